//! Printing: lines on stdout and stderr, and tables.
//!
//! It must not let anything from outside move the cursor or change colours.

/// Prints a line of output.
#[expect(clippy::print_stdout, reason = "a command's output")]
pub(super) fn line(text: &str) {
    println!("{}", plain(text));
}

/// Prints one line on stderr; the host takes the last ones for the reason of a failed start.
#[expect(clippy::print_stderr, reason = "errors belong on stderr")]
pub(super) fn error(text: &str) {
    eprintln!("{}", plain(text));
}

/// Tags and names are data from outside: what a terminal would obey is shown instead.
fn plain(text: &str) -> String {
    let shown = |it: char| -> Box<dyn Iterator<Item = char>> {
        if it.is_control() && it != '\n' {
            Box::new(it.escape_unicode())
        } else {
            Box::new(std::iter::once(it))
        }
    };
    text.chars().flat_map(shown).collect()
}

/// Lines of cells, the first being the headings, in columns.
pub(super) fn table<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let row = |line: &[String; COLUMNS]| {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(
            plain("a\u{1b}[2Jb\rc\u{7f}\nd"),
            "a\\u{1b}[2Jb\\u{d}c\\u{7f}\nd"
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [["a", "long"], ["bbb", "c"]].map(|line| line.map(str::to_owned));
        assert_eq!(table(&lines), "a    long\nbbb  c");
    }
}

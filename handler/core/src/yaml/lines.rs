//! What the lines of a YAML text tell without a parser: how deep it nests, and where a mistake may be.
//!
//! It must not be exact: a text that it lets through is harmless, one that it refuses nobody needs.

/// The deepest nesting that is read: no format has more than ten levels.
pub(super) const DEEPEST: usize = 64;

/// The line in which the nesting becomes too deep for anything that walks it.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut open: usize = 0;
    for (index, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '-', '?', ':', '\t']).len();
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        if open > DEEPEST || indent > 2 * DEEPEST {
            return Some(index + 1);
        }
    }
    None
}

/// A parser stumbles over what follows a mistake: the line to look at is often the one before.
pub(super) fn line_before(text: &str, line: usize, mistake: &str) -> Option<String> {
    let exact = ["duplicated", "while scanning", "tabs"];
    let is_exact = exact.iter().any(|start| mistake.starts_with(start));
    let lines: Vec<&str> = text.lines().take(line - 1).collect();
    let has_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let before = lines.iter().rposition(has_content).filter(|_| !is_exact)?;
    Some(format!("what is wrong may be in line {}", before + 1))
}

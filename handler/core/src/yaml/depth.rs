//! How deep a YAML text nests, told without parsing it: a parser that recurses would run out of stack.
//!
//! It must not be exact: what it lets through is harmless, what it refuses no file needs.

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

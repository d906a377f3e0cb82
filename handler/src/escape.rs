//! Characters that a terminal obeys: names, tags and messages are data from outside, and are shown with them escaped.
//!
//! It must not print.

use std::borrow::Cow;

/// Does a terminal take the character for a command, or write what follows in another order, or not at all?
pub fn is_obeyed(character: char) -> bool {
    let reorders_or_hides = matches!(
        character,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    );
    character.is_control() || reorders_or_hides
}

/// One line of JSON, or a part of one, with such characters escaped as JSON does it: they can only be in its texts.
pub fn in_json(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_obeyed) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(2 * line.len());
    for character in line.chars() {
        if is_obeyed(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped += &format!("\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_with_nothing_left_to_obey() {
        let text = "a\u{1b}[2J\u{9b}1m\u{7f}\u{85}\u{202e}\u{2066}\u{61c}\u{feff}\u{e0041}\u{2028}ä\u{1f511}";
        let json = serde_json::Value::from(text).to_string();
        let escaped = in_json(&json);
        assert!(!escaped.chars().any(is_obeyed), "{escaped:?}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        assert!(
            escaped.contains("ä\u{1f511}"),
            "what people read is left as it is"
        );
    }
}

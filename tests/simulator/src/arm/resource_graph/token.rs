//! The words of a query.
//! It knows no grammar.

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword, as it was written; `in~` is one.
    Word(String),
    /// A string, without its quotes.
    Text(String),
    /// A sign.
    Sign(&'static str),
}

/// The longer signs come first, for they begin like the shorter.
const SIGNS: [&str; 10] = ["=~", "==", "=", "|", "(", ")", ",", ".", "[", "]"];

/// Cuts a query into words.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = if let Some(verbatim) = rest.strip_prefix('@') {
            verbatim_text(verbatim)?
        } else if first == '\'' || first == '"' {
            text(rest, first)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            word(rest)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Token::Sign(sign), &rest[sign.len()..])
        } else {
            return Err(format!("'{first}' is not understood"));
        };
        found.push(token);
        rest = after.trim_start();
    }
    Ok(found)
}

fn word(rest: &str) -> (Token, &str) {
    let mut end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    if rest.get(..end) == Some("in") && rest.get(end..).is_some_and(|after| after.starts_with('~'))
    {
        end += 1;
    }
    (Token::Word(rest[..end].to_owned()), &rest[end..])
}

/// A string in which a backslash takes the meaning from the next character.
fn text(rest: &str, quote: char) -> Result<(Token, &str), String> {
    let mut content = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | '\'' | '"'))) => content.push(escaped),
                Some((_, 't')) => content.push('\t'),
                Some((_, 'n')) => content.push('\n'),
                _ => return Err("an escape in a string is not understood".to_owned()),
            },
            c if c == quote => return Ok((Token::Text(content), &rest[at + quote.len_utf8()..])),
            '\n' | '\r' => return Err("a string does not end on its line".to_owned()),
            c => content.push(c),
        }
    }
    Err("a string does not end".to_owned())
}

/// A string after `@`, in which a quote is written twice.
fn verbatim_text(rest: &str) -> Result<(Token, &str), String> {
    let quote = rest
        .chars()
        .next()
        .filter(|c| ['\'', '"'].contains(c))
        .ok_or("'@' must be followed by a string")?;
    let mut content = String::new();
    let mut rest = &rest[1..];
    while let Some(end) = rest.find(quote) {
        content.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(more) = rest.strip_prefix(quote) else {
            return Ok((Token::Text(content), rest));
        };
        content.push(quote);
        rest = more;
    }
    Err("a string does not end".to_owned())
}

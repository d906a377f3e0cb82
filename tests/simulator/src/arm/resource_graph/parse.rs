//! The grammar: `resources`, then `where`, `project` and `order by id asc`.
//! It evaluates nothing.

use super::token::{Token, tokens};

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) steps: Vec<Step>,
}

impl Query {
    /// Whether the rows are in the order of an id that they show.
    pub(super) fn can_be_paged(&self) -> bool {
        let shows_id = |step: &Step| match step {
            Step::Project(columns) => columns.iter().any(|(name, _)| name == "id"),
            Step::Where(_) | Step::OrderById => true,
        };
        self.steps.contains(&Step::OrderById) && self.steps.iter().all(shows_id)
    }
}

/// What is done to the rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Where(Condition),
    Project(Vec<(String, Scalar)>),
    OrderById,
}

/// What decides about a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare(Scalar, Comparison, Vec<String>),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `==`
    Equal,
    /// `=~` and `in~`
    EqualIgnoringCase,
    /// `startswith`
    StartsWith,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Path(Vec<String>),
    Call(Function, Box<Scalar>),
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// `tostring`
    Text,
    /// `tobool`
    Truth,
    /// `tolower`
    Lower,
}

/// How deep brackets may nest.
const DEEPEST: usize = 32;

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    parser.keyword("resources")?;
    let mut steps = Vec::new();
    while parser.at < parser.tokens.len() {
        parser.sign("|")?;
        steps.push(parser.step()?);
    }
    Ok(Query { steps })
}

#[derive(Debug)]
struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(there);
        there
    }

    fn takes_keyword(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{sign}'")))
        }
    }

    fn keyword(&mut self, word: &str) -> Result<(), String> {
        if self.takes_keyword(word) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{word}'")))
        }
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.peek() {
            Some(token) => format!("{token:?} was found where {wanted} was expected"),
            None => format!("it ends where {wanted} was expected"),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(word)) if !word.ends_with('~') => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a string")),
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        if self.takes_keyword("where") {
            return self.condition(0).map(Step::Where);
        }
        if self.takes_keyword("project") {
            let mut columns = vec![self.column()?];
            while self.takes_sign(",") {
                columns.push(self.column()?);
            }
            return Ok(Step::Project(columns));
        }
        if self.takes_keyword("order") || self.takes_keyword("sort") {
            self.keyword("by")?;
            self.keyword("id")?;
            self.keyword("asc")?;
            return Ok(Step::OrderById);
        }
        Err(self.unexpected("'where', 'project' or 'order by id asc'"))
    }

    /// `name`, `name = value` or a path, which is then named by its segments.
    fn column(&mut self) -> Result<(String, Scalar), String> {
        let named = matches!(self.tokens.get(self.at + 1), Some(Token::Sign("=")));
        if named {
            let name = self.word()?;
            self.sign("=")?;
            return Ok((name, self.scalar(0)?));
        }
        match self.scalar(0)? {
            Scalar::Path(path) => Ok((path.join("_"), Scalar::Path(path))),
            Scalar::Call(..) => Err("the value of a function needs a name".to_owned()),
        }
    }

    fn condition(&mut self, depth: usize) -> Result<Condition, String> {
        let mut any = vec![self.conjunction(depth)?];
        while self.takes_keyword("or") {
            any.push(self.conjunction(depth)?);
        }
        Ok(if any.len() == 1 {
            any.remove(0)
        } else {
            Condition::Any(any)
        })
    }

    fn conjunction(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.comparison(depth)?];
        while self.takes_keyword("and") {
            all.push(self.comparison(depth)?);
        }
        Ok(if all.len() == 1 {
            all.remove(0)
        } else {
            Condition::All(all)
        })
    }

    fn comparison(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEEPEST {
            return Err("it nests too deep".to_owned());
        }
        if self.takes_sign("(") {
            let inner = self.condition(depth + 1)?;
            self.sign(")")?;
            return Ok(inner);
        }
        let value = self.scalar(depth)?;
        if self.takes_keyword("in~") {
            self.sign("(")?;
            let mut choices = vec![self.text()?];
            while self.takes_sign(",") {
                choices.push(self.text()?);
            }
            self.sign(")")?;
            return Ok(Condition::Compare(
                value,
                Comparison::EqualIgnoringCase,
                choices,
            ));
        }
        let comparison = if self.takes_sign("=~") {
            Comparison::EqualIgnoringCase
        } else if self.takes_sign("==") {
            Comparison::Equal
        } else if self.takes_keyword("startswith") {
            Comparison::StartsWith
        } else {
            return Err(self.unexpected("a comparison"));
        };
        Ok(Condition::Compare(value, comparison, vec![self.text()?]))
    }

    fn scalar(&mut self, depth: usize) -> Result<Scalar, String> {
        if depth > DEEPEST {
            return Err("it nests too deep".to_owned());
        }
        let first = self.word()?;
        if self.takes_sign("(") {
            let function = match first.as_str() {
                "tostring" => Function::Text,
                "tobool" => Function::Truth,
                "tolower" => Function::Lower,
                _ => return Err(format!("the function '{first}' is not served")),
            };
            let inner = self.scalar(depth + 1)?;
            self.sign(")")?;
            return Ok(Scalar::Call(function, Box::new(inner)));
        }
        let mut path = vec![first];
        loop {
            if self.takes_sign(".") {
                path.push(self.word()?);
            } else if self.takes_sign("[") {
                path.push(self.text()?);
                self.sign("]")?;
            } else {
                return Ok(Scalar::Path(path));
            }
        }
    }
}

//! JSON that the YAML reader takes for the same: each string in ASCII, or in characters that both print alike.
//!
//! It must not change what a string says.

use std::io::{self, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

/// Two blanks a level, and in strings nothing that a reader of YAML could stumble over.
#[derive(Debug, Default)]
pub(super) struct Careful(PrettyFormatter<'static>);

/// Brackets are counted before they are read, and not every parser prints what is invisible.
fn is_escaped(it: char) -> bool {
    let is_odd =
        it.is_control() || matches!(u32::from(it), 0x61c | 0x2000..=0x206f | 0xd800..=0xffff);
    is_odd || matches!(it, '[' | ']' | '{' | '}')
}

impl Formatter for Careful {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for it in fragment.chars() {
            if is_escaped(it) {
                write!(writer, "\\u{:04x}", u32::from(it))?;
            } else {
                write!(writer, "{it}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

//! Enums whose variants are words of the policy.
//!
//! It must not hold a word itself: each enum stands where its meaning does.

/// Declares an enum of keywords: each variant with the word that a policy spells it with, and what it means.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $help:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $help])+ $variant,)+ }

        impl $name {
            /// Every variant with its word in a policy.
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, Self::$variant),)+];

            /// What each word means, in the order of the words.
            pub const HELP: &[&'static str] = &[$(concat!($($help),+),)+];

            /// The word in a policy.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

pub(crate) use keywords;

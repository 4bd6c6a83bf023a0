//! Enums that are stored, sent and shown as text.
//!
//! A status is a `TEXT` column in the database, a string in JSON and a few words on a page. The
//! [`text_enum!`](crate::text_enum!) macro keeps the three together so that they cannot drift.

#[doc(hidden)]
pub use serde;

/// What every enum made with [`text_enum!`](crate::text_enum!) can do.
pub trait TextEnum: Copy + Eq + Sized + 'static {
    /// What the values are called, for messages: `"deal status"`.
    const NAME: &'static str;
    /// All values, in the order they were written.
    const VALUES: &'static [Self];
    /// The stored form, lower_snake.
    fn text(self) -> &'static str;
    /// The words a person reads.
    fn words(self) -> &'static str;
}

/// A stored or sent text that is none of an enum's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{value}” is not a known {kind}")]
pub struct UnknownValue {
    /// What was expected, for instance `DealStatus`.
    pub kind: &'static str,
    /// What came instead, cut to 100 characters.
    pub value: String,
}

impl UnknownValue {
    /// Reports `value` as not belonging to `kind`.
    pub fn new(kind: &'static str, value: &str) -> Self {
        Self {
            kind,
            value: value.chars().take(100).collect(),
        }
    }
}

/// Makes a `Copy` enum with its stored text and its label.
///
/// ```
/// domain::text_enum! {
///     /// The light at a crossing.
///     pub enum Light {
///         /// Stop.
///         Red = "red" => "Red",
///         /// Go.
///         Green = "green" => "Green",
///     }
/// }
/// assert_eq!("green".parse::<Light>(), Ok(Light::Green));
/// assert_eq!(Light::Red.as_str(), "red");
/// assert_eq!(Light::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $text:literal => $label:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $( $(#[$vmeta])* $variant ),+
        }

        impl $name {
            /// All values, in the order of the definition.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The stored form.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }

            /// The words a person reads.
            pub const fn label(self) -> &'static str {
                match self { $( Self::$variant => $label ),+ }
            }
        }

        impl $crate::text_enum::TextEnum for $name {
            const NAME: &'static str = stringify!($name);
            const VALUES: &'static [Self] = Self::ALL;
            fn text(self) -> &'static str { self.as_str() }
            fn words(self) -> &'static str { self.label() }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownValue;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $( $text => Ok(Self::$variant), )+
                    other => Err($crate::text_enum::UnknownValue::new(stringify!($name), other)),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String { value.as_str().to_owned() }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> &'static str { value.as_str() }
        }

        impl $crate::text_enum::serde::Serialize for $name {
            fn serialize<S: $crate::text_enum::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::text_enum::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::text_enum::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as
                    $crate::text_enum::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::text_enum::serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    crate::text_enum! {
        /// A test.
        pub enum Light { /** r */ Red = "red" => "Red light", /** g */ DeepGreen = "deep_green" => "Green" }
    }

    #[test]
    fn text_goes_there_and_back() {
        for value in Light::ALL {
            assert_eq!(value.as_str().parse::<Light>().as_ref(), Ok(value));
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(serde_json::from_str::<Light>(&json).unwrap(), *value);
        }
        assert_eq!(String::from(Light::DeepGreen), "deep_green");
        assert_eq!(Light::Red.label(), "Red light");
    }

    #[test]
    fn an_unknown_text_is_named() {
        let error = "blue".parse::<Light>().unwrap_err();
        assert_eq!(error.to_string(), "“blue” is not a known Light");
        assert!(serde_json::from_str::<Light>("\"blue\"").is_err());
        assert!(serde_json::from_str::<Light>("3").is_err());
    }
}

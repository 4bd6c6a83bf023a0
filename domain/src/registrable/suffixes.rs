//! The public suffix list: under which names others register (publicsuffix.org, format of 2026).

use std::collections::HashSet;

/// The rules of a public suffix list, with its private part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suffixes {
    /// `co.uk`.
    exact: HashSet<String>,
    /// `kawasaki.jp` of the rule `*.kawasaki.jp`.
    wild: HashSet<String>,
    /// `city.kawasaki.jp` of the rule `!city.kawasaki.jp`.
    except: HashSet<String>,
}

impl Suffixes {
    /// Reads a list; a rule ends at the first space, and `//` begins a comment.
    ///
    /// # Errors
    /// The first line that is no rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for line in text.lines() {
            let Some(rule) = line.split_whitespace().next() else {
                continue;
            };
            if rule.starts_with("//") {
                continue;
            }
            let (set, name) = if let Some(name) = rule.strip_prefix('!') {
                (&mut read.except, name)
            } else if let Some(name) = rule.strip_prefix("*.") {
                (&mut read.wild, name)
            } else {
                (&mut read.exact, rule)
            };
            let ascii = match name.is_ascii() {
                true => Ok(name.to_ascii_lowercase()),
                false => idna::domain_to_ascii(name),
            };
            match ascii {
                Ok(name) if is_name(&name) => set.insert(name),
                _ => return Err(format!("“{rule}” is no rule of a public suffix list.")),
            };
        }
        Ok(read)
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.wild.len() + self.except.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The suffix of a host in ASCII by the longest rule; none where no rule knows its top level.
    pub fn suffix<'a>(&self, host: &'a str) -> Option<&'a str> {
        let mut rest = Some(host);
        while let Some(name) = rest {
            let parent = name.split_once('.').map(|(_, parent)| parent);
            if self.except.contains(name) {
                return parent;
            }
            if self.exact.contains(name) || parent.is_some_and(|p| self.wild.contains(p)) {
                return Some(name);
            }
            rest = parent;
        }
        None
    }
}

fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !part.is_empty() && part.bytes().all(inner)
    };
    name.split('.').all(part)
}

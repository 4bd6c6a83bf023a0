//! What differs between two versions of a plan, for people.

use super::{PlanRules, Rule};

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What: a rule by its name, or the rules' order.
    pub what: String,
    /// How it is in the older version; empty for what is new.
    pub before: String,
    /// How it is in the newer version; empty for what is gone.
    pub after: String,
}

impl PlanRules {
    /// What `newer` changes of this version, rule by rule; rules are the same by their id. `tier`
    /// gives the name of a tier rank.
    pub fn differences(&self, newer: &PlanRules, tier: impl Fn(i32) -> String) -> Vec<Difference> {
        let mut found = Vec::new();
        for rule in &newer.rules {
            let after = rule.describe(&tier);
            let Some(old) = self.rule(&rule.id) else {
                found.push(difference(&rule.name, "", &after));
                continue;
            };
            if old.name != rule.name {
                found.push(difference("Name of a rule", &old.name, &rule.name));
            }
            let before = old.describe(&tier);
            if before != after {
                found.push(difference(&rule.name, &before, &after));
            } else if same_name(old, rule) != *rule {
                // Such as a duration beside a trigger that happens once.
                let what = format!("{}: settings that pay nothing", rule.name);
                found.push(difference(&what, "as they were", "changed"));
            }
        }
        for old in self.rules.iter().filter(|r| newer.rule(&r.id).is_none()) {
            found.push(difference(&old.name, &old.describe(&tier), ""));
        }
        let (before, after) = (self.order(newer), newer.order(self));
        let ids = |rules: &[&Rule]| rules.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
        if ids(&before) != ids(&after) {
            let names = |rules: &[&Rule]| {
                let names: Vec<&str> = rules.iter().map(|r| r.name.as_str()).collect();
                names.join(", then ")
            };
            found.push(difference("Order", &names(&before), &names(&after)));
        }
        found
    }

    /// The rules that both have, in this version's order.
    fn order(&self, other: &PlanRules) -> Vec<&Rule> {
        let both = |rule: &&Rule| other.rule(&rule.id).is_some();
        self.rules.iter().filter(both).collect()
    }
}

fn difference(what: &str, before: &str, after: &str) -> Difference {
    Difference {
        what: what.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    }
}

fn same_name(old: &Rule, new: &Rule) -> Rule {
    Rule {
        name: new.name.clone(),
        ..old.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::money::{Bp, Currency};
    use crate::plan::ready_made::{agency, amounts, bounty, reseller};
    use crate::plan::{Amount, Duration};

    fn tier(rank: i32) -> String {
        format!("tier {rank}")
    }

    #[test]
    fn equal_versions_do_not_differ() {
        assert_eq!(reseller().differences(&reseller(), tier), vec![]);
    }

    #[test]
    fn added_changed_removed_and_renamed_rules_are_said() {
        let old = agency();
        let mut new = agency();
        new.rules[0].amount = Amount::Percent { rate: Bp(2_000) };
        new.rules[0].name = "Agencies".into();
        new.rules.extend(reseller().rules);
        let found = old.differences(&new, tier);
        let what: Vec<&str> = found.iter().map(|d| d.what.as_str()).collect();
        assert_eq!(what, ["Name of a rule", "Agencies", "Reseller margin"]);
        assert!(found[1].before.starts_with("25%") && found[1].after.starts_with("20%"));
        let back = new.differences(&old, tier);
        assert!(
            back.iter()
                .any(|d| d.what == "Reseller margin" && d.after.is_empty())
        );
    }

    #[test]
    fn order_and_silent_settings_are_said_too() {
        let flat = |minor| amounts(minor, Currency::EUR);
        let old = bounty(flat(100), flat(200));
        let mut new = old.clone();
        new.rules.reverse();
        new.rules[0].duration = Duration::Months { months: 3 };
        let found = old.differences(&new, tier);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1].before, "Qualified meeting, then First payment");
    }
}

//! Random programs: what customers, Stripe, finance and the calendar do.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// What a line of an invoice is made of.
#[derive(Clone, Debug)]
pub struct LineSpec {
    /// Before discounts, minor units; negative for a proration.
    pub amount: i64,
    pub discount_percent: i64,
    /// Billing credit the customer pays with, in percent of what is left.
    pub credit_percent: i64,
    pub tax_percent: i64,
    pub tax_inclusive: bool,
    /// Of the product that has a product line.
    pub suite: bool,
}

/// What partners are paid by.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Basis points by tier rank, and another rate for the suite.
    ByTier([i64; 3], Option<i64>),
    Percent(i64, Option<i64>),
    /// Steps of a quarter's volume in euros: up to, basis points.
    Brackets([(i64, i64); 2], i64),
    /// Rate; most per customer; most per partner and quarter; most per quarter for all, in euros.
    Capped(i64, i64, i64, Option<i64>),
    /// Rate, and a fixed amount of euros for a customer's first payment.
    First(i64, i64),
}

/// One step of a program. Numbers choose among what is possible at that moment, so that any steps
/// can be left out and the rest still means something.
#[derive(Clone, Debug)]
pub enum Op {
    /// 0 and 1 belong to an account by domain, 2 and 3 to accounts credited by product, 4 to none.
    Customer {
        home: usize,
    },
    Invoice {
        customer: usize,
        currency: usize,
        lines: Vec<LineSpec>,
        short: bool,
    },
    /// Pays so many thousandths of what is left to pay.
    Pay {
        invoice: usize,
        share: i64,
    },
    /// `told`: 0 by refund and charge, 1 by refund only, 2 by charge only, 3 inside of the charge.
    Refund {
        invoice: usize,
        share: i64,
        told: u8,
    },
    RefundFails {
        invoice: usize,
    },
    /// `money`: 0 outside of Stripe, 1 by a refund, 2 by a refund that was made before.
    Note {
        invoice: usize,
        share: i64,
        by_line: bool,
        money: u8,
        short: bool,
    },
    NoteVoid {
        invoice: usize,
    },
    Dispute {
        invoice: usize,
        share: i64,
    },
    DisputeEnds {
        invoice: usize,
        end: usize,
    },
    Void {
        invoice: usize,
    },
    /// The customer ends the subscription that an invoice is for, and begins another.
    Leaves {
        invoice: usize,
    },
    Uncollectible {
        invoice: usize,
    },
    /// Delivers a part of what waits, shuffled, some of it twice.
    Deliver {
        percent: u32,
        seed: u64,
        batch: u64,
    },
    Mature,
    Hold {
        nth: usize,
    },
    Release {
        nth: usize,
    },
    Cancel {
        nth: usize,
    },
    Match {
        customer: usize,
        home: usize,
        by_hand: bool,
    },
    Tier {
        partner: usize,
        rank: usize,
    },
    /// Percent of an account for each partner, from now on.
    Split {
        home: usize,
        shares: [i64; 2],
    },
    Publish(Plan),
    Check,
}

/// A step and how many seconds after the one before it happens.
pub type Step = (i64, Op);

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    pub seed: u64,
    /// Deliveries come in order, each step's before the next step. Only then plans may look at what
    /// was earned before.
    pub orderly: bool,
    /// Days that a subscription has to last; otherwise what it earned is taken back. Zero: any.
    pub churn_days: i64,
    pub steps: Vec<Step>,
}

/// A program that depends on the seed alone.
pub fn program(seed: u64) -> Program {
    let mut dice = StdRng::seed_from_u64(seed);
    let orderly = dice.random_bool(0.4);
    let churn_days = churn_days(&mut dice);
    let length = dice.random_range(30..90);
    let mut steps = begin(&mut dice, orderly);
    while steps.len() < length {
        let op = op(&mut dice, orderly);
        let wait = match &op {
            // Two totals that were said in one second cannot be told apart.
            Op::Refund { .. } | Op::RefundFails { .. } | Op::Note { .. } | Op::NoteVoid { .. } => {
                dice.random_range(1..20_000)
            }
            Op::Split { .. } | Op::Tier { .. } | Op::Publish(_) => dice.random_range(1..500),
            _ if dice.random_bool(0.1) => dice.random_range(0..40 * 86_400),
            _ => dice.random_range(0..20_000),
        };
        steps.push((wait, op));
    }
    Program {
        seed,
        orderly,
        churn_days,
        steps,
    }
}

/// A long program of which everything is in the inbox: nobody acts by hand, nothing has to be
/// asked of Stripe (which would answer with what is true today), everybody is known from the
/// beginning, and plans do not look at what was earned before.
pub fn history(seed: u64) -> Program {
    let mut dice = StdRng::seed_from_u64(seed);
    let churn_days = churn_days(&mut dice);
    let mut steps = begin(&mut dice, false);
    while steps.len() < 150 {
        let mut op = op(&mut dice, false);
        match &mut op {
            Op::Invoice { short, .. } | Op::Note { short, .. } => *short = false,
            Op::Deliver { .. }
            | Op::Mature
            | Op::Hold { .. }
            | Op::Release { .. }
            | Op::Cancel { .. }
            | Op::Match { .. }
            | Op::Check => continue,
            _ => {}
        }
        steps.push((dice.random_range(1..60_000), op));
    }
    Program {
        seed,
        orderly: true,
        churn_days,
        steps,
    }
}

fn churn_days(dice: &mut StdRng) -> i64 {
    *[0, 2, 60].choose(dice).expect("some")
}

fn begin(dice: &mut StdRng, orderly: bool) -> Vec<Step> {
    let mut steps = vec![(5, Op::Publish(plan(dice, orderly)))];
    for home in [0, 1, 2 + dice.random_range(0..2), 4] {
        steps.push((dice.random_range(1..3), Op::Customer { home }));
    }
    steps
}

fn op(dice: &mut StdRng, orderly: bool) -> Op {
    let invoice = dice.random_range(0..1_000);
    let share = if dice.random_bool(0.3) {
        1_000
    } else {
        dice.random_range(1..1_000)
    };
    match dice.random_range(0..100) {
        0..4 => Op::Customer {
            home: dice.random_range(0..5),
        },
        4..20 => Op::Invoice {
            customer: invoice,
            currency: dice.random_range(0..6),
            lines: (0..dice.random_range(1..5)).map(|_| line(dice)).collect(),
            short: dice.random_bool(0.15),
        },
        20..42 => {
            let share = if dice.random_bool(0.7) { 1_000 } else { share };
            Op::Pay { invoice, share }
        }
        42..46 => Op::Leaves { invoice },
        46..54 => Op::Refund {
            invoice,
            share,
            told: dice.random_range(0..4),
        },
        54..57 => Op::RefundFails { invoice },
        57..64 => Op::Note {
            invoice,
            share,
            by_line: dice.random_bool(0.7),
            money: dice.random_range(0..3),
            short: dice.random_bool(0.2),
        },
        64..66 => Op::NoteVoid { invoice },
        66..70 => Op::Dispute { invoice, share },
        70..74 => Op::DisputeEnds {
            invoice,
            end: dice.random_range(0..4),
        },
        74..75 => Op::Void { invoice },
        75..77 => Op::Uncollectible { invoice },
        77..84 => Op::Deliver {
            percent: *[20, 50, 100].choose(dice).expect("some"),
            seed: dice.random(),
            batch: *[1, 2, 7, 40].choose(dice).expect("some"),
        },
        84..86 => {
            let a = *[0, 1, 33, 50, 66, 99, 100].choose(dice).expect("some");
            let shares = [a, dice.random_range(0..=100 - a)];
            Op::Split {
                home: dice.random_range(0..2),
                shares,
            }
        }
        86..88 => Op::Tier {
            partner: dice.random_range(0..2),
            rank: dice.random_range(0..3),
        },
        88..89 => Op::Publish(plan(dice, orderly)),
        89..91 => Op::Match {
            customer: invoice,
            home: dice.random_range(0..2),
            by_hand: dice.random_bool(0.6),
        },
        91..93 => Op::Mature,
        93..95 => Op::Hold { nth: invoice },
        95..97 => Op::Release { nth: invoice },
        97..98 => Op::Cancel { nth: invoice },
        _ => Op::Check,
    }
}

fn line(dice: &mut StdRng) -> LineSpec {
    let size = *[60, 2_000, 50_000, 3_000_000, 90_000_000_000]
        .choose(dice)
        .expect("some");
    let amount = dice.random_range(1..size);
    let percent = |dice: &mut StdRng, often: f64, most: i64| {
        if dice.random_bool(often) {
            dice.random_range(1..=most)
        } else {
            0
        }
    };
    if dice.random_bool(0.12) {
        let (tax_percent, tax_inclusive) = (percent(dice, 0.5, 25), false);
        let suite = dice.random_bool(0.6);
        let amount = -amount;
        return LineSpec {
            amount,
            discount_percent: 0,
            credit_percent: 0,
            tax_percent,
            tax_inclusive,
            suite,
        };
    }
    LineSpec {
        amount,
        discount_percent: percent(dice, 0.3, 100),
        credit_percent: percent(dice, 0.1, 50),
        tax_percent: percent(dice, 0.7, 25),
        tax_inclusive: dice.random_bool(0.3),
        suite: dice.random_bool(0.6),
    }
}

fn plan(dice: &mut StdRng, orderly: bool) -> Plan {
    let rate = |dice: &mut StdRng| dice.random_range(1..=4_000);
    let suite = if dice.random_bool(0.4) {
        Some(rate(dice))
    } else {
        None
    };
    match dice.random_range(0..if orderly { 5 } else { 2 }) {
        0 => Plan::ByTier([rate(dice), rate(dice), rate(dice)], suite),
        1 => Plan::Percent(rate(dice), suite),
        2 => {
            let low = dice.random_range(1..100_000);
            let steps = [
                (low, rate(dice)),
                (low + dice.random_range(1..5_000_000), rate(dice)),
            ];
            Plan::Brackets(steps, rate(dice))
        }
        3 => {
            let most = |dice: &mut StdRng| {
                *[50, 3_000, 200_000, 1_000_000_000]
                    .choose(dice)
                    .expect("some")
            };
            let all = if dice.random_bool(0.5) {
                Some(most(dice))
            } else {
                None
            };
            Plan::Capped(rate(dice), most(dice), most(dice), all)
        }
        _ => Plan::First(rate(dice), dice.random_range(1..50_000)),
    }
}

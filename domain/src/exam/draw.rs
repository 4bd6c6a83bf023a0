//! Drawing questions and shuffling options, the same for the same seed.

use serde::{Deserialize, Serialize};

use super::question::{Question, QuestionKind};

/// A question as drawn for one attempt; stored with the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// The question.
    pub question_id: i64,
    /// For each shown position, the option's position in the question.
    pub options: Vec<u16>,
}

/// What a browser gets: no right answer, and options named by their shown position only, so that
/// nothing gives the order of an ordering away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The question.
    pub question_id: i64,
    /// How it is answered.
    pub kind: QuestionKind,
    /// What is asked.
    pub prompt: String,
    /// The options in shown order; an answer names them by position.
    pub options: Vec<String>,
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every platform and in every
/// version, which a stored seed needs.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` without bias (Lemire 2019, the multiplication part with rejection).
    fn below(&mut self, bound: u64) -> u64 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next()) * u128::from(bound);
            if wide as u64 >= threshold {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Fisher–Yates.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// Draws `count` questions from the pool (all of them when there are fewer) and shuffles their
/// options. True/false keeps its order.
pub fn draw(pool: &[Question], count: usize, seed: u64) -> Vec<Drawn> {
    let mut random = SplitMix64(seed);
    // By id, so that the order in which the pool was read does not matter.
    let mut chosen: Vec<&Question> = pool.iter().collect();
    chosen.sort_by_key(|q| q.id);
    random.shuffle(&mut chosen);
    chosen.truncate(count);
    chosen
        .into_iter()
        .map(|question| {
            let mut options: Vec<u16> = (0..question.options.len())
                .map(|i| u16::try_from(i).unwrap_or(u16::MAX))
                .collect();
            if question.kind != QuestionKind::TrueFalse {
                random.shuffle(&mut options);
            }
            Drawn {
                question_id: question.id,
                options,
            }
        })
        .collect()
}

/// A drawn question as the browser gets it; `None` when it is not in the pool.
pub fn show(pool: &[Question], drawn: &Drawn) -> Option<Shown> {
    let question = pool.iter().find(|q| q.id == drawn.question_id)?;
    let options = drawn
        .options
        .iter()
        .map(|i| question.options.get(usize::from(*i)).cloned())
        .collect::<Option<Vec<_>>>()?;
    Some(Shown {
        question_id: question.id,
        kind: question.kind,
        prompt: question.prompt.clone(),
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::grade;
    use proptest::prelude::*;

    fn pool(n: i64) -> Vec<Question> {
        (0..n)
            .map(|id| {
                let kind = QuestionKind::ALL[id as usize % 4];
                let count = if kind == QuestionKind::TrueFalse {
                    2
                } else {
                    4
                };
                let answer = match kind {
                    QuestionKind::Ordering => vec![2, 0, 3, 1],
                    QuestionKind::Multiple => vec![0, 3],
                    _ => vec![1],
                };
                let options = (0..count).map(|o| format!("option {id}.{o}")).collect();
                let explanation = "because".into();
                Question {
                    id,
                    kind,
                    prompt: format!("q{id}"),
                    options,
                    answer,
                    explanation,
                }
            })
            .collect()
    }

    /// The shown positions that answer rightly.
    fn solve(question: &Question, drawn: &Drawn) -> Vec<u16> {
        let place = |option| drawn.options.iter().position(|o| *o == option).unwrap() as u16;
        question
            .answer
            .iter()
            .map(|option| place(*option))
            .collect()
    }

    #[test]
    fn splitmix64_gives_its_published_numbers() {
        // First outputs for seed 1234567, as in the reference implementation's test vectors.
        let mut random = SplitMix64(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_order_is_about_equally_likely() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..6_000 {
            let mut items = [0, 1, 2];
            SplitMix64(seed).shuffle(&mut items);
            *seen.entry(items).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|n| (850..1_150).contains(n)), "{seen:?}");
    }

    #[test]
    fn the_answers_never_reach_the_browser() {
        let pool = pool(8);
        for drawn in draw(&pool, 8, 3) {
            let json = serde_json::to_string(&show(&pool, &drawn).unwrap()).unwrap();
            assert!(
                !json.contains("answer") && !json.contains("because"),
                "{json}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_draw_repeats_and_never_asks_twice(size in 0_i64..30, count in 0_usize..40, seed: u64) {
            let mut pool = pool(size);
            let first = draw(&pool, count, seed);
            pool.reverse();
            prop_assert_eq!(&first, &draw(&pool, count, seed));
            prop_assert_eq!(first.len(), count.min(size as usize));
            let mut ids: Vec<_> = first.iter().map(|d| d.question_id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), first.len());
        }

        #[test]
        fn right_answers_are_right_and_the_mark_is_exact(
            size in 1_i64..20,
            seed: u64,
            wrong in 0_usize..20,
            mark in 0_u32..=100,
        ) {
            let pool = pool(size);
            let drawn = draw(&pool, 20, seed);
            let wrong = wrong.min(drawn.len());
            let answers: std::collections::HashMap<i64, Vec<u16>> = drawn
                .iter()
                .enumerate()
                .map(|(i, d)| {
                    let q = pool.iter().find(|q| q.id == d.question_id).unwrap();
                    (d.question_id, if i < wrong { vec![] } else { solve(q, d) })
                })
                .collect();
            let result = grade(&pool, &drawn, |id| answers[&id].clone(), mark);
            let right = drawn.len() - wrong;
            prop_assert_eq!(result.right as usize, right);
            prop_assert_eq!(result.passed, right * 100 >= drawn.len() * mark as usize);
            prop_assert_eq!(result.feedback.iter().filter(|f| f.right).count(), right);
        }

        #[test]
        fn noise_is_wrong_but_never_a_panic(seed: u64, noise in prop::collection::vec(any::<u16>(), 0..9)) {
            let pool = pool(8);
            let drawn = draw(&pool, 8, seed);
            let result = grade(&pool, &drawn, |_| noise.clone(), 75);
            prop_assert!(result.right <= result.asked);
        }
    }
}

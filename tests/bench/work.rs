//! The leads of a run on their way in: when each is sent, by whom, and what was accepted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    ledger::Ledger,
    people::{self, Population},
    sender::Sender,
};

/// Share of the leads that come as a list.
const LISTED: f64 = 0.4;
/// Share of the single posts that are sent a second time, as a sender does who missed the answer.
const REPEATED: f64 = 0.1;
/// Share of the leads that speak of somebody of whom another lead speaks too.
const PAIRED: f64 = 0.05;
const CLIENTS: usize = 8;

pub struct Work {
    pub all: Arc<Population>,
    posts: Vec<(Duration, usize)>,
    list: Vec<usize>,
    list_at: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Done {
    pub ledger: Ledger,
    /// Sends of single leads, repetitions counted.
    pub sends: usize,
    /// Leads that were accepted, by their index, with the id of their input; rows of a list have that of their import.
    pub ids: HashMap<usize, String>,
    /// Refusals that a correct service does not give, by their words.
    pub errors: BTreeMap<String, usize>,
}

impl Work {
    /// `leads` leads spread over the time `over`.
    pub fn new(seed: u64, leads: usize, over: Duration) -> Work {
        Work::listed(seed, leads, over, LISTED)
    }

    /// The same without a list.
    pub fn singles(seed: u64, leads: usize, over: Duration) -> Work {
        Work::listed(seed, leads, over, 0.0)
    }

    fn listed(seed: u64, leads: usize, over: Duration, share: f64) -> Work {
        let mut dice = Rng::with_seed(seed.wrapping_mul(31).wrapping_add(1));
        let all = Population::new(seed, leads, PAIRED);
        let mut at = |from: f64, to: f64| over.mul_f64(from + dice.f64() * (to - from));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share"
        )]
        let listed = (leads as f64 * share) as usize;
        let mut posts: Vec<(Duration, usize)> = (listed..leads).map(|lead| (at(0.0, 1.0), lead)).collect();
        let list_at = at(0.2, 0.5);
        for lead in listed..leads {
            if at(0.0, 1.0) < over.mul_f64(REPEATED) {
                posts.push((at(0.0, 1.0), lead));
            }
        }
        posts.sort_unstable();
        Work { all: Arc::new(all), posts, list: (0..listed).collect(), list_at }
    }

    /// Sends everything, the single leads by several clients.
    pub async fn send(&self, sender: &Arc<Sender>) -> Done {
        let begun = Instant::now();
        let mut clients: JoinSet<Vec<(Vec<usize>, anyhow::Result<String>)>> = JoinSet::new();
        for client in 0..CLIENTS {
            let posts: Vec<_> = self.posts.iter().skip(client).step_by(CLIENTS).copied().collect();
            let (all, sender) = (Arc::clone(&self.all), Arc::clone(sender));
            clients.spawn(async move {
                let mut answers = Vec::new();
                for (at, lead) in posts {
                    tokio::time::sleep_until(begun + at).await;
                    answers.push((vec![lead], sender.lead(&all.body(&all.leads[lead])).await));
                }
                answers
            });
        }
        if !self.list.is_empty() {
            let (all, sender) = (Arc::clone(&self.all), Arc::clone(sender));
            let (list, at) = (self.list.clone(), begun + self.list_at);
            clients.spawn(async move {
                tokio::time::sleep_until(at).await;
                let (csv, params) = (all.csv(&list), people::list_params());
                let first = sender.list(&csv, &params).await;
                // The same file again, as happens when two people import it.
                let again = sender.list(&csv, &params).await;
                vec![(list.clone(), first), (list, again)]
            });
        }
        let mut done = Done { sends: self.posts.len(), ..Done::default() };
        done.ledger.attempted = self.all.leads.iter().map(|lead| self.email(lead.person)).collect();
        while let Some(answers) = clients.join_next().await {
            for (leads, answer) in answers.unwrap_or_default() {
                match answer {
                    Ok(id) => {
                        for lead in leads {
                            let lead_sent = &self.all.leads[lead];
                            let person = &self.all.people[lead_sent.person];
                            done.ledger.accept(&person.email, &person.company, lead_sent.mobile.as_deref());
                            done.ids.insert(lead, id.clone());
                        }
                    }
                    Err(error) => *done.errors.entry(format!("{error:#}")).or_default() += 1,
                }
            }
        }
        done
    }

    /// The leads that speak of somebody.
    pub fn about(&self, email: &str) -> Vec<usize> {
        let leads = self.all.leads.iter().enumerate();
        leads.filter(|(_, lead)| self.all.people[lead.person].email == email).map(|(index, _)| index).collect()
    }

    fn email(&self, person: usize) -> String {
        self.all.people[person].email.clone()
    }
}

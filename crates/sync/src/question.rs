//! Questions for a person, and the commands that answer them.
//!
//! A question is a stored row: a kind, a reason and whom or what it may be about. [`options`] gives the
//! commands that fit it, each with everything that is needed to execute it; [`Questions`](crate::Questions)
//! executes them ([`answer`](crate::Questions::answer)) and shows a question side by side
//! ([`view`](crate::Questions::view)). A new kind of question is a variant of [`QuestionKind`] and an arm of
//! [`options`]; a new command a variant of [`Command`] and an arm where it is executed.
//!
//! **Invariant:** every question has at least one answer.

use std::fmt;

use mittler_core::{ConnectionId, Kind, LinkId, RecordId};
use mittler_store::{decisions::candidates, derived_id, reviews::ReviewLine};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::measure::Measure;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// Are these records one person?
    SamePerson,
    /// Are these records one company?
    SameOrganisation,
    /// Which record of the CRM is it, or what is to become of a likely duplicate or a taken address?
    RemoteDuplicate,
    /// The CRM has it no more.
    DeletedThere,
    /// The CRM erased it, since somebody asked to be forgotten.
    ErasedThere,
    /// The CRM does not know the owner.
    OwnerUnknown,
    /// Nothing that is mapped tells the CRM of an objection.
    ObjectionUntold,
    /// Two sides change a field back and forth: whose value holds?
    FieldContested,
    /// Very many records went at once: were they deleted?
    MassDeletion,
    /// Very many records were changed at once: does it hold?
    MassChange,
    /// Very much would be changed in the CRM at once: may it?
    MassWrite,
    /// A kind that a newer version asks.
    Other,
}

impl QuestionKind {
    pub const ALL: [QuestionKind; 11] = [
        QuestionKind::SamePerson,
        QuestionKind::SameOrganisation,
        QuestionKind::RemoteDuplicate,
        QuestionKind::DeletedThere,
        QuestionKind::ErasedThere,
        QuestionKind::OwnerUnknown,
        QuestionKind::ObjectionUntold,
        QuestionKind::FieldContested,
        QuestionKind::MassDeletion,
        QuestionKind::MassChange,
        QuestionKind::MassWrite,
    ];

    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            QuestionKind::SamePerson => "same_person",
            QuestionKind::SameOrganisation => "same_organisation",
            QuestionKind::RemoteDuplicate => "remote_duplicate",
            QuestionKind::DeletedThere => "deleted_there",
            QuestionKind::ErasedThere => "erased_there",
            QuestionKind::OwnerUnknown => "owner_unknown",
            QuestionKind::ObjectionUntold => "objection_untold",
            QuestionKind::FieldContested => "field_contested",
            QuestionKind::MassDeletion => "mass_deletion",
            QuestionKind::MassChange => "mass_change",
            QuestionKind::MassWrite => "mass_write",
            QuestionKind::Other => "other",
        }
    }

    pub fn parse(name: &str) -> QuestionKind {
        QuestionKind::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(QuestionKind::Other)
    }
}

/// A record of a CRM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteRef {
    pub remote_type: String,
    pub remote_id: String,
}

impl fmt::Display for RemoteRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.remote_type, self.remote_id)
    }
}

impl std::str::FromStr for RemoteRef {
    type Err = ();

    /// `Lead:00Q…`
    fn from_str(text: &str) -> Result<RemoteRef, ()> {
        match text.split_once(':') {
            Some((remote_type, remote_id)) if !remote_type.is_empty() && !remote_id.is_empty() => {
                Ok(RemoteRef { remote_type: remote_type.to_owned(), remote_id: remote_id.to_owned() })
            }
            _ => Err(()),
        }
    }
}

/// An answer, with all that is needed to execute it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It is the same as this record of ours: the two become one.
    Merge(RecordId),
    /// It is none of the candidates; nobody asks about them again.
    Different,
    /// In the CRM it is this record.
    Link(RemoteRef),
    /// Make it in the CRM, whatever resembles it there.
    CreateAnyway,
    /// Keep it out of this CRM until that is taken back.
    LeaveOut,
    /// Make it in the CRM again.
    MakeAgain,
    /// Remove it in the other CRMs, too.
    DeleteThereToo,
    /// Forget the person here, too.
    Forget,
    /// Keep the person here; in the CRM they stay erased.
    Keep,
    /// The value is ours: the other record gives it up.
    Ours,
    /// The value is the other record's: ours gives it up.
    Theirs,
    /// Seen, or done by hand; nothing else is to be done.
    Noted,
    /// Look again.
    Retry,
    /// So many are right: all of it is done.
    LetThrough,
    /// The CRM gets back what it had.
    PutBack,
    /// It stays as it is there; nothing of it is done.
    Leave,
    /// The answer was wrong: what it decided stands no more, and the question is open again.
    TakeBack,
}

impl Command {
    /// The command without whom it is about.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Merge(_) => "merge",
            Command::Different => "different",
            Command::Link(_) => "link",
            Command::CreateAnyway => "create_anyway",
            Command::LeaveOut => "leave_out",
            Command::MakeAgain => "make_again",
            Command::DeleteThereToo => "delete_there_too",
            Command::Forget => "forget",
            Command::Keep => "keep",
            Command::Ours => "ours",
            Command::Theirs => "theirs",
            Command::Noted => "noted",
            Command::Retry => "retry",
            Command::LetThrough => "let_through",
            Command::PutBack => "put_back",
            Command::Leave => "leave",
            Command::TakeBack => "take_back",
        }
    }

    pub fn record(&self) -> Option<RecordId> {
        match self {
            Command::Merge(record) => Some(*record),
            _ => None,
        }
    }

    pub fn remote(&self) -> Option<&RemoteRef> {
        match self {
            Command::Link(remote) => Some(remote),
            _ => None,
        }
    }

    /// Whether what it does may fail in the CRM, so that the same is to be asked again.
    pub(crate) fn may_be_asked_again(&self) -> bool {
        match self {
            Command::Link(_)
            | Command::CreateAnyway
            | Command::MakeAgain
            | Command::Ours
            | Command::Theirs
            | Command::Retry
            | Command::LetThrough
            | Command::PutBack
            | Command::Leave => true,
            Command::Merge(_)
            | Command::Different
            | Command::LeaveOut
            | Command::DeleteThereToo
            | Command::Forget
            | Command::Keep
            | Command::Noted
            | Command::TakeBack => false,
        }
    }
}

/// The key of an option: `merge:rec_…`, `link:Lead:00Q…`, `different`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Merge(record) => write!(f, "merge:{record}"),
            Command::Link(remote) => write!(f, "link:{remote}"),
            other => f.write_str(other.name()),
        }
    }
}

/// An answer as somebody gives it: the key of an option, or its name with as much as tells it from the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub record: Option<RecordId>,
    pub remote: Option<RemoteRef>,
}

impl Choice {
    pub fn of(command: &Command) -> Choice {
        Choice { name: command.to_string(), record: None, remote: None }
    }

    /// The one option that is meant. `same` is the earlier name of `merge`, and where nothing else can be
    /// tried again `retry` that of `make_again`.
    pub fn among(&self, options: &[Command]) -> Option<Command> {
        if let Some(exact) = options.iter().find(|option| option.to_string() == self.name) {
            return Some(exact.clone());
        }
        let fitting = |name: &str| -> Vec<&Command> {
            options
                .iter()
                .filter(|option| option.name() == name)
                .filter(|option| self.record.is_none_or(|record| option.record() == Some(record)))
                .filter(|option| self.remote.as_ref().is_none_or(|remote| option.remote() == Some(remote)))
                .collect()
        };
        let names: &[&str] = match self.name.as_str() {
            "same" => &["merge"],
            "retry" => &["retry", "make_again"],
            name => &[name],
        };
        let found = names.iter().map(|name| fitting(name)).find(|found| !found.is_empty())?;
        match found.as_slice() {
            [only] => Some((*only).clone()),
            _ => None,
        }
    }
}

/// A stored question, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub id: Uuid,
    pub kind: QuestionKind,
    /// A stable code with what was met.
    pub reason: String,
    pub record: RecordId,
    pub connection: Option<ConnectionId>,
    /// Records of ours that it may be.
    pub records: Vec<RecordId>,
    /// Records of the CRM that it may be, or that are gone.
    pub remotes: Vec<RemoteRef>,
    /// What a duplicate rule says of insisting; `None`: no rule was met.
    pub may_save: Option<bool>,
    /// The CRM's field whose value is contested.
    pub remote_field: Option<String>,
    /// The CRM's type that it is about, where it is about many.
    pub remote_type: Option<String>,
}

impl Question {
    /// What was too much, where it is about many.
    pub(crate) fn measure(&self) -> Option<Measure> {
        match self.kind {
            QuestionKind::MassDeletion | QuestionKind::MassChange | QuestionKind::MassWrite => {
                Measure::parse(&self.reason)
            }
            _ => None,
        }
    }

    pub fn of(line: &ReviewLine) -> Question {
        let named = &line.candidates.0;
        let text = |json: &Json, name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let typed = named.get("remotes").and_then(Json::as_array).into_iter().flatten().filter_map(|one| {
            Some(RemoteRef { remote_type: text(one, "remote_type")?, remote_id: text(one, "remote_id")? })
        });
        let mut remotes: Vec<RemoteRef> = typed.collect();
        if let (true, Some(remote_type)) = (remotes.is_empty(), text(named, "remote_type")) {
            let ids = named.get("ids").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
            remotes.extend(ids.map(|id| RemoteRef { remote_type: remote_type.clone(), remote_id: id.to_owned() }));
        }
        Question {
            id: line.id,
            kind: QuestionKind::parse(&line.question),
            reason: line.reason.clone(),
            record: RecordId(line.record),
            connection: line.connection.map(ConnectionId),
            records: candidates(named),
            remotes,
            may_save: named.get("may_save").and_then(Json::as_bool),
            remote_field: text(named, "remote_field"),
            remote_type: text(named, "remote_type"),
        }
    }
}

/// Remote records as the candidates of a question.
pub fn remotes(found: Vec<(String, String)>) -> Json {
    let mut candidates = json!({});
    if let Some((remote_type, _)) = found.first() {
        candidates["remote_type"] = json!(remote_type);
    }
    candidates["ids"] = found.iter().map(|(_, id)| id.as_str()).collect();
    let one = |(remote_type, remote_id)| json!({ "remote_type": remote_type, "remote_id": remote_id });
    candidates["remotes"] = found.into_iter().map(one).collect();
    candidates
}

/// The id of the question whether a CRM's two records of what is one here have become one there.
pub fn merged_here(link: LinkId) -> Uuid {
    derived_id(&[b"review", link.0.as_bytes(), b"merged_here"])
}

/// The id of the question about a company that somebody made in the CRM while it was made there for ours.
pub fn made_meanwhile(link: LinkId) -> Uuid {
    derived_id(&[b"review", link.0.as_bytes(), b"made_meanwhile"])
}

/// What options depend on beside the question: how things stand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// What kind of record it is about; `None`: it is no more.
    pub kind: Option<Kind>,
    /// The CRM has a record that it is linked to.
    pub linked: bool,
    /// Another CRM has one.
    pub elsewhere: bool,
    /// Who has the taken value in the CRM is a record of ours.
    pub holder: Option<RecordId>,
}

/// The commands that answer a question, those first that are likely.
pub fn options(question: &Question, facts: &Facts) -> Vec<Command> {
    let merges = question.records.iter().map(|record| Command::Merge(*record));
    let links = question.remotes.iter().cloned().map(Command::Link);
    match question.kind {
        QuestionKind::SamePerson | QuestionKind::SameOrganisation => {
            let mut all: Vec<Command> = merges.chain([Command::Different]).collect();
            if question.reason == "merged_there" {
                all.extend([Command::MakeAgain, Command::LeaveOut]);
            }
            all
        }
        QuestionKind::RemoteDuplicate => match question.reason.as_str() {
            "merged_here" | "made_meanwhile" => vec![Command::Noted],
            "address_of_another" => links.chain([Command::Noted]).collect(),
            "linked_to_another_record" => {
                merges.chain([Command::CreateAnyway, Command::LeaveOut, Command::Retry]).collect()
            }
            // An update that a duplicate rule stops.
            _ if facts.linked && question.may_save.is_some() => vec![Command::Retry, Command::LeaveOut],
            // It was made without an address that somebody else has there.
            _ if facts.linked => {
                let of_ours = facts.holder.into_iter().flat_map(|holder| [Command::Merge(holder), Command::Ours]);
                of_ours.chain([Command::Theirs, Command::Retry, Command::Noted]).collect()
            }
            _ => {
                let insist = question.may_save.unwrap_or(true).then_some(Command::CreateAnyway);
                links.chain(insist).chain([Command::LeaveOut, Command::Retry]).collect()
            }
        },
        QuestionKind::DeletedThere => {
            let too = facts.elsewhere.then_some(Command::DeleteThereToo);
            let forget = (facts.kind == Some(Kind::Person)).then_some(Command::Forget);
            [Command::LeaveOut, Command::MakeAgain]
                .into_iter()
                .chain(too)
                .chain(forget)
                .chain([Command::Noted])
                .collect()
        }
        QuestionKind::ErasedThere => {
            let forget = (facts.kind == Some(Kind::Person)).then_some(Command::Forget);
            forget.into_iter().chain([Command::Keep]).collect()
        }
        QuestionKind::OwnerUnknown => vec![Command::Retry, Command::Noted],
        QuestionKind::FieldContested => vec![Command::Ours, Command::Theirs],
        QuestionKind::MassDeletion => vec![Command::LetThrough, Command::PutBack, Command::Retry],
        QuestionKind::MassChange => vec![Command::LetThrough, Command::PutBack],
        QuestionKind::MassWrite => vec![Command::LetThrough, Command::Leave],
        QuestionKind::ObjectionUntold | QuestionKind::Other => vec![Command::Noted],
    }
}

#[cfg(test)]
mod tests {
    use mittler_store::reviews::{Candidates, ReviewState};

    use super::*;

    fn question(kind: QuestionKind, reason: &str, candidates: Json) -> Question {
        Question::of(&ReviewLine {
            id: Uuid::nil(),
            question: kind.name().into(),
            record: Uuid::from_u128(1),
            connection: Some(Uuid::from_u128(2)),
            candidates: Candidates(candidates),
            reason: reason.into(),
            state: ReviewState::Open,
            asked_at: 0,
            answered_at: None,
        })
    }

    fn keys(question: &Question, facts: Facts) -> Vec<String> {
        options(question, &facts).iter().map(ToString::to_string).collect()
    }

    const PERSON: Facts = Facts { kind: Some(Kind::Person), linked: false, elsewhere: true, holder: None };

    #[test]
    fn every_kind_and_reason_has_an_answer() {
        let reasons = [
            "",
            "merged_there",
            "merged_here",
            "made_meanwhile",
            "address_of_another",
            "linked_to_another_record",
            "X",
        ];
        for kind in QuestionKind::ALL.into_iter().chain([QuestionKind::Other]) {
            for reason in reasons {
                for linked in [false, true] {
                    let asked = question(kind, reason, json!({}));
                    let all = options(&asked, &Facts { linked, ..Facts::default() });
                    assert!(!all.is_empty(), "{kind:?} {reason} has no way out");
                }
            }
        }
    }

    #[test]
    fn a_likely_duplicate_is_one_of_those_found_or_made_anyway_if_the_rule_gives_way() {
        let mut found = remotes(vec![("Contact".into(), "003A".into()), ("Lead".into(), "00QB".into())]);
        let asked = question(QuestionKind::RemoteDuplicate, "several_found", found.clone());
        assert_eq!(
            keys(&asked, PERSON),
            ["link:Contact:003A", "link:Lead:00QB", "create_anyway", "leave_out", "retry"]
        );
        found["may_save"] = json!(false);
        let asked = question(QuestionKind::RemoteDuplicate, "RULE", found);
        assert_eq!(keys(&asked, PERSON), ["link:Contact:003A", "link:Lead:00QB", "leave_out", "retry"]);
    }

    #[test]
    fn candidates_of_an_earlier_version_are_read() {
        let asked =
            question(QuestionKind::RemoteDuplicate, "several_found", json!({ "remote_type": "Lead", "ids": ["1"] }));
        assert_eq!(keys(&asked, PERSON)[0], "link:Lead:1");
    }

    #[test]
    fn who_was_erased_is_never_made_again() {
        let asked = question(QuestionKind::ErasedThere, "erased_there", json!({}));
        assert_eq!(keys(&asked, PERSON), ["forget", "keep"]);
        let retry = Choice { name: "retry".into(), ..Choice::default() };
        assert_eq!(retry.among(&options(&asked, &PERSON)), None);
    }

    #[test]
    fn a_choice_names_one_option_or_none() {
        let (one, other) = (RecordId(Uuid::from_u128(7)), RecordId(Uuid::from_u128(8)));
        let two = [Command::Merge(one), Command::Merge(other), Command::Different];
        let named = |name: &str, record| Choice { name: name.into(), record, remote: None };
        assert_eq!(named("same", Some(other)).among(&two), Some(Command::Merge(other)));
        assert_eq!(named("same", None).among(&two), None, "it is not said which");
        assert_eq!(named("merge", None).among(&two[1..]), Some(Command::Merge(other)));
        assert_eq!(Choice::of(&Command::Merge(one)).among(&two), Some(Command::Merge(one)));
        assert_eq!(named("noted", None).among(&two), None);
        let gone = [Command::LeaveOut, Command::MakeAgain];
        assert_eq!(named("retry", None).among(&gone), Some(Command::MakeAgain));
        let remote: RemoteRef = "Lead:00Q1".parse().unwrap();
        let link = Choice { name: "link".into(), record: None, remote: Some(remote.clone()) };
        assert_eq!(link.among(&[Command::Link(remote.clone())]), Some(Command::Link(remote)));
    }
}

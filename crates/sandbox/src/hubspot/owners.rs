//! Owners, and what the account says of itself.

use serde_json::{Value, json};

use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;

pub struct Owner {
    pub id: String,
    user_id: u64,
    email: String,
    first: String,
    last: String,
    created: i64,
    archived: bool,
}

pub fn seed_owners(now: i64) -> Vec<Owner> {
    let people = [("vertrieb-sued", "Süd"), ("vertrieb-nord", "Nord"), ("messe", "Messe")];
    (0_u64..)
        .zip(people)
        .map(|(place, (mailbox, last))| Owner {
            id: (41_629_779 + place).to_string(),
            user_id: 7_700_101 + place,
            email: format!("{mailbox}@example.com"),
            first: "Vertrieb".to_owned(),
            last: last.to_owned(),
            created: now,
            archived: false,
        })
        .collect()
}

impl Owner {
    fn to_json(&self) -> Value {
        let user_id = (!self.archived).then_some(self.user_id);
        json!({"id": self.id, "email": self.email, "type": "PERSON", "firstName": self.first, "lastName": self.last,
            "userId": user_id, "userIdIncludingInactive": self.user_id, "createdAt": iso(self.created),
            "updatedAt": iso(self.created), "archived": self.archived, "teams": []})
    }
}

impl Portal {
    pub fn owners(&self, request: &Request) -> Outcome {
        if request.method != "GET" {
            return Err(Failure::wrong_method());
        }
        let archived = request.flag("archived");
        let owners = self.owners.iter().filter(|owner| owner.archived == archived);
        if let Some(id) = request.path.rest.first() {
            let by_user = request.query("idProperty") == Some("userId");
            let mut owners = owners;
            let found = owners.find(|owner| if by_user { owner.user_id.to_string() == *id } else { owner.id == *id });
            return found.map(|owner| Answer::ok(owner.to_json())).ok_or_else(Failure::gone);
        }
        let limit = request.limit(100, 500)?;
        let skip = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0_usize);
        let email = request.query("email").map(str::to_lowercase);
        let mut found = owners.filter(|owner| email.as_ref().is_none_or(|email| owner.email == *email)).skip(skip);
        let results: Vec<Value> = found.by_ref().take(limit).map(Owner::to_json).collect();
        let mut body = json!({"results": results});
        if found.next().is_some() {
            body["paging"] = json!({"next": {"after": (skip + limit).to_string()}});
        }
        Ok(Answer::ok(body))
    }

    pub fn account(&self, request: &Request) -> Outcome {
        if request.method != "GET" || request.path.parts() != ["details"] {
            return Err(Failure::no_route());
        }
        Ok(Answer::ok(json!({"portalId": self.config.portal_id, "accountType": "STANDARD",
            "timeZone": self.config.time_zone, "companyCurrency": "EUR", "additionalCurrencies": [],
            "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000, "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1"})))
    }
}

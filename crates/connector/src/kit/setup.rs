//! What a connection needs in its CRM: on an account that does not have it yet.

use super::{Finding, Stage, Verdict, hold, not_applicable};
use crate::{SetupWish, StepState};

pub(super) async fn a_check_changes_nothing_and_what_is_missing_is_made_once(stage: &Stage) -> Finding {
    let words = |error: crate::Error| format!("{error:?}");
    let writes = || stage.line.take_asked().iter().filter(|asked| stage.peer.writes(asked)).count();
    let checked = stage.crm.setup(SetupWish::Check).await.map_err(words)?;
    let wrote = writes();
    hold!(wrote == 0, "a check wrote {wrote} times");
    hold!(checked.iter().all(|step| step.state != StepState::Made), "a check made something: {checked:?}");
    if checked.is_empty() {
        return Ok(not_applicable("a new account lacks nothing"));
    }
    let again = stage.crm.setup(SetupWish::Check).await.map_err(words)?;
    hold!(again == checked, "checked twice: {checked:?}, and then {again:?}");
    writes();
    let missing = checked.iter().filter(|step| step.state == StepState::Missing).count();
    let applied = stage.crm.setup(SetupWish::Apply).await.map_err(words)?;
    let made = applied.iter().filter(|step| step.state == StepState::Made).count();
    hold!(made == missing, "{missing} were missing, {made} were made: {applied:?}");
    let wrote = writes();
    hold!(missing > 0 || wrote == 0, "nothing could be made, and it wrote {wrote} times");
    let twice = stage.crm.setup(SetupWish::Apply).await.map_err(words)?;
    let wrote = writes();
    hold!(wrote == 0, "all was made, and it wrote {wrote} times: {twice:?}");
    hold!(twice.iter().all(|step| step.state == StepState::ByHand), "after it was made: {twice:?}");
    Ok(Verdict::Holds)
}

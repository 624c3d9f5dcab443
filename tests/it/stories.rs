//! The whole way in process, from the door to both CRMs and back: the sandbox stands for the CRMs.

mod account;
mod between;
mod world;

mod answers;
mod bounds;
mod demo;
mod edited;
mod existing;
mod faults;
mod forget;
mod guards;
mod identity;
mod jumps;
mod limits;
mod lists;
mod lookups;
mod lost;
mod modes;
mod moved;
mod newer;
mod order;
mod outage;
mod owners;
mod parts;
mod pauses;
mod refused;
mod reviews;
mod rows;
mod schedules;
mod scripted;
mod slow;
mod suspect;
mod taken_back;
mod theirs;
mod twice;
mod twoway;
mod unsure;
mod wakeups;
mod worst_case;

pub use demo::LIST;
pub use forget::{PLANTED, found};

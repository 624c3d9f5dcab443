//! Mails by RFC 5322 and mailboxes as mbox.

-- What is due stands in the links, and each connection's pusher looks there: jobs that ask for a push are no more.
DELETE FROM job WHERE topic LIKE 'push:%';

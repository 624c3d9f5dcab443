//! Jobs over two carriers: the job table itself, or RabbitMQ.

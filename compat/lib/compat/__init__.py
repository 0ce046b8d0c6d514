"""Runs real clients and tools against Ottla and against Apache Kafka, and compares."""

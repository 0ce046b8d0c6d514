"""Systems without a run of their own against Apache Kafka, and why."""

ALONE = {
    "docker": "Ottla's own image",
    "eos": "Ottla's own brokers are killed",
    "faults": "Ottla's own disks break",
    "log": "beside Ottla in the same run",
    "suites": "beside Ottla in the same run",
    "tools": "beside Ottla in the same run",
}

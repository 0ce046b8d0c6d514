"""The stock tools of Apache Kafka 3.9 and 4.3 against the oracle and the broker under test."""

import cluster
import configs
import faults
import groups
import handover
import main_job
import measures
import records
import stock
import topics
import transactions

SCENARIOS = [
    *topics.SCENARIOS,
    *records.SCENARIOS,
    *groups.SCENARIOS,
    *configs.SCENARIOS,
    *cluster.SCENARIOS,
    *measures.SCENARIOS,
    *main_job.SCENARIOS,
    *handover.SCENARIOS,
    *faults.SCENARIOS,
    *stock.SCENARIOS,
    *transactions.SCENARIOS,
]

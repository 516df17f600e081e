"""Record a counter, a gauge and a histogram, and show totals, quantiles and exemplars in the terminal."""

from __future__ import annotations

import random

from flext_observability import init_observability, traced

observability = init_observability(service_name="till", exporters="console").unwrap()
metrics = observability.metrics

sales = metrics.counter("till.sales", unit="{sale}", description="Sales made")
cash = metrics.gauge("till.cash", unit="EUR", description="Money in the drawer")
served = metrics.histogram("till.service.duration", unit="s", description="Time for one customer")

chance = random.Random(7)  # a fixed seed gives the same customers in every run
in_drawer = 100.0
by_card, by_cash = sales.bind(payment="card"), sales.bind(payment="cash")  # attributes are encoded once
with traced("a day at the till"):
    for customer in range(50):
        served.record(chance.lognormvariate(4, 0.4))
        if customer % 3:
            by_card.add(1)
        else:
            by_cash.add(1)
            in_drawer += round(chance.uniform(2, 40), 2)
        cash.set(round(in_drawer, 2))

sales.add(-1)  # a counter cannot decrease: the value is dropped with a log line
observability.shutdown()

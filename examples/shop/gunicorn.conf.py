"""How the shop is served."""

workers = 2
threads = 4
worker_class = "gthread"
timeout = 30
max_requests = 20_000
max_requests_jitter = 2_000

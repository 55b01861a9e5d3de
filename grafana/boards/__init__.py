"""Grafana's dashboards as code: `make dashboards` writes them to grafana/dashboards, which Grafana reads."""

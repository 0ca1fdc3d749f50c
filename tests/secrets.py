"""The secrets of protected dashboards in tests: strong ones, for others are refused."""

TOKEN = "dashboard-Zq3vT8mW1xK7pR5bN2dF6hJ9sL4"
SECRET_KEY = "cookies-8fGm2QwXz6TbV1nRk9LpYc4HdJs7"
SECRETS = {"MONITORING_DASHBOARD_TOKEN": TOKEN, "FLASK_SECRET_KEY": SECRET_KEY}

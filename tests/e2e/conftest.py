from e2e.fixtures import *  # noqa: F403

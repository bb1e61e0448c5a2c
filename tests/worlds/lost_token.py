"""Credentials whose file is gone when they are to be read again, as those of a pod may be."""

from memcollect.sources import kube_config

LOST = "cannot be used: /run/token: No such file or directory."


def lose_token(cluster: kube_config.Cluster) -> None:
    """Let no credentials be had for this cluster from now on."""

    def read_again(_configuration: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/run/token")

    # The client's versions name it differently.
    cluster.configuration.api_key = {"BearerToken": "t", "authorization": "t"}
    cluster.configuration.refresh_api_key_hook = read_again

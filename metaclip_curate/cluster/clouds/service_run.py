"""A run on a cloud's service: what all services have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from metaclip_curate.cluster.clouds.bundle import Upload, send
from metaclip_curate.cluster.clouds.deployment import Deployment
from metaclip_curate.cluster.clouds.monitor import Monitor
from metaclip_curate.options.deploy import GoogleOptions
from metaclip_curate.options.plan import PlanOptions
from metaclip_curate.storage import StorageOptions

Service = TypeVar("Service")


class ServiceRun(ABC, Generic[Service]):
    """Uploads the package, starts the stages on a service and follows them to their end.

    Args:
        deployment: Uploads, jobs and settings.
        options: Options of the service.
        size: Cores, spot share and disks.
        storage: Credentials and limits for the bucket.
        monitor: Polls and logs states.
    """

    def __init__(
        self, deployment: Deployment, options: Service, size: PlanOptions, storage: StorageOptions, monitor: Monitor
    ) -> None:
        self.deployment = deployment
        self.monitor = monitor
        self._options = options
        self._size = size
        self._storage = storage

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files that the service needs in the bucket."""
        return self.deployment.uploads

    def calls(self) -> list[dict[str, Any]]:
        """Lists everything that `run` would send, without credentials or network."""
        return [*(upload.as_call() for upload in self.uploads), *self._requests()]

    @abstractmethod
    def run(self) -> None:
        """Runs the stages, and removes on every way out whatever would cost money.

        Raises:
            UserError: The credentials, the bucket or a request are wrong.
            JobFailedError: A stage failed, or the run was stopped.
        """

    @abstractmethod
    def _requests(self) -> list[dict[str, Any]]:
        """Lists the requests after the uploads: service, call and parameters."""

    def _upload(self) -> None:
        send(self.uploads, self._storage, self.deployment.output, self.monitor.log)


class GoogleRun(ServiceRun[Service]):
    """A run in a project of Google Cloud.

    Args:
        deployment: Uploads, jobs and settings.
        project: Project and identity of Google Cloud.
        options: Options of the service.
        size: Cores, spot share and disks.
        storage: Credentials and limits for the bucket.
        monitor: Polls and logs states.
    """

    def __init__(
        self,
        deployment: Deployment,
        project: GoogleOptions,
        options: Service,
        size: PlanOptions,
        storage: StorageOptions,
        monitor: Monitor,
    ) -> None:
        super().__init__(deployment, options, size, storage, monitor)
        self._project = project


def call(service: str, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Describes a request for a dry run."""
    return {"service": service, "call": name, "parameters": parameters}

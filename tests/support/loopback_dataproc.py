"""Dataproc's services on loopback: real gRPC, real message types, states that a test moves on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud import dataproc_v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2


class LoopbackDataproc:
    """Clusters, jobs and batches in memory. Use as a context manager.

    Attributes:
        clusters, jobs, batches: By name, in the order in which they came.
        asked: Names of the calls, in order.
        cancelled: Operations that were cancelled.
        refusal: What jobs are refused with; empty takes them.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.batches: dict[str, Any] = {}
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.refusal = ""
        self._server = grpc.server(ThreadPoolExecutor(2))
        api, package = dataproc_v1, "google.cloud.dataproc.v1."
        operation = operations_pb2.Operation.SerializeToString
        services: dict[str, dict[str, tuple[Any, Any, Callable[..., Any]]]] = {
            "ClusterController": {
                "CreateCluster": (api.CreateClusterRequest.deserialize, operation, self._create_cluster),
                "GetCluster": (api.GetClusterRequest.deserialize, api.Cluster.serialize, self._get_cluster),
                "DeleteCluster": (api.DeleteClusterRequest.deserialize, operation, self._delete_cluster),
            },
            "JobController": {
                "SubmitJob": (api.SubmitJobRequest.deserialize, api.Job.serialize, self._submit_job),
                "GetJob": (api.GetJobRequest.deserialize, api.Job.serialize, self._get_job),
            },
            "BatchController": {
                "CreateBatch": (api.CreateBatchRequest.deserialize, operation, self._create_batch),
                "GetBatch": (api.GetBatchRequest.deserialize, api.Batch.serialize, self._get_batch),
            },
        }
        handlers = [self._handlers(package + name, methods) for name, methods in services.items()]
        cancel = (operations_pb2.CancelOperationRequest.FromString, empty_pb2.Empty.SerializeToString, self._cancel)
        handlers.append(self._handlers("google.longrunning.Operations", {"CancelOperation": cancel}))
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> LoopbackDataproc:
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._port}", [("grpc.enable_http_proxy", 0)])
        return self

    def __exit__(self, *error: object) -> None:
        self._channel.close()
        self._server.stop(0).wait()

    def client(self, kind: str, region: str) -> Any:
        """As `metaclip_curate.cluster.clouds.gcp.client`, without credentials."""
        made = getattr(dataproc_v1, f"{kind}Client")
        return made(transport=made.get_transport_class("grpc")(channel=self._channel))

    def last(self, kind: str) -> Any:
        """What came last: clusters, jobs or batches."""
        return list(getattr(self, kind).values())[-1]

    def _handlers(self, service: str, methods: dict[str, Any]) -> Any:
        def handler(name: str, read: Any, write: Any, answer: Any) -> Any:
            def asked(request: Any, context: Any) -> Any:
                self.asked.append(name)
                return answer(request, context)

            return grpc.unary_unary_rpc_method_handler(asked, request_deserializer=read, response_serializer=write)

        made = {name: handler(name, *parts) for name, parts in methods.items()}
        return grpc.method_handlers_generic_handler(service, made)

    def _create_cluster(self, request: Any, context: Any) -> Any:
        request.cluster.status.state = "CREATING"
        self.clusters[request.cluster.cluster_name] = request.cluster
        return operations_pb2.Operation(name="operations/cluster")

    def _get_cluster(self, request: Any, context: Any) -> Any:
        return self.clusters[request.cluster_name]

    def _delete_cluster(self, request: Any, context: Any) -> Any:
        self.clusters[request.cluster_name].status.state = "DELETING"
        return operations_pb2.Operation(name="operations/delete")

    def _submit_job(self, request: Any, context: Any) -> Any:
        if self.clusters[request.job.placement.cluster_name].status.state.name != "RUNNING" or self.refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.refusal or "the cluster isn't running")
        request.job.status.state = "PENDING"
        self.jobs[request.job.reference.job_id] = request.job
        return request.job

    def _get_job(self, request: Any, context: Any) -> Any:
        return self.jobs[request.job_id]

    def _create_batch(self, request: Any, context: Any) -> Any:
        request.batch.state = "PENDING"
        request.batch.operation = f"operations/{request.batch_id}"
        self.batches[f"{request.parent}/batches/{request.batch_id}"] = request.batch
        return operations_pb2.Operation(name=request.batch.operation)

    def _get_batch(self, request: Any, context: Any) -> Any:
        return self.batches[request.name]

    def _cancel(self, request: Any, context: Any) -> Any:
        self.cancelled.append(request.name)
        return empty_pb2.Empty()

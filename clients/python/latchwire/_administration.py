"""The part of the client that manages who may use the server: tenants and API keys."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from google.protobuf import field_mask_pb2

from latchwire._messages import Seconds, tenant_message
from latchwire.v1 import api_key_service_pb2, tenant_service_pb2


class Administration:
    """Methods of Client, which has the stubs `tenants` and `api_keys`, and makes the calls."""

    # Tenants, for operators

    def create_tenant(
        self, display_name: str = "", timeout: Optional[Seconds] = None, **fields: Any
    ) -> tenant_service_pb2.Tenant:
        """fields: other fields of Tenant, such as event_retention=86400 (seconds) and quotas=TenantQuotas(...)."""
        request = tenant_service_pb2.CreateTenantRequest(
            tenant=tenant_message(display_name=display_name, **fields)
        )
        return self._call(self.tenants.CreateTenant, request, timeout, idempotent=False)

    def get_tenant(
        self, name: str = "tenants/-", timeout: Optional[Seconds] = None
    ) -> tenant_service_pb2.Tenant:
        """name: `tenants/{number}`; by default the key's own tenant, which any viewer may read."""
        request = tenant_service_pb2.GetTenantRequest(name=name)
        return self._call(self.tenants.GetTenant, request, timeout)

    def list_tenants(
        self, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[tenant_service_pb2.Tenant]:
        request = tenant_service_pb2.ListTenantsRequest(page_size=page_size)
        return self._pages(self.tenants.ListTenants, request, "tenants", timeout)

    def update_tenant(
        self, name: str, timeout: Optional[Seconds] = None, etag: str = "", **fields: Any
    ) -> tenant_service_pb2.Tenant:
        """Changes the given fields of a tenant; with an etag only if nobody else has changed it in the meantime."""
        if not fields:
            raise ValueError("update_tenant: no field to change")
        request = tenant_service_pb2.UpdateTenantRequest(
            tenant=tenant_message(name=name, etag=etag, **fields),
            update_mask=field_mask_pb2.FieldMask(paths=list(fields)),
        )
        return self._call(self.tenants.UpdateTenant, request, timeout, idempotent=not etag)

    # API keys

    def create_api_key(
        self,
        role: int,
        display_name: str = "",
        agent: str = "",
        timeout: Optional[Seconds] = None,
        tenant: str = "",
    ) -> api_key_service_pb2.ApiKey:
        """role: ApiKey.ROLE_...; only this call returns the key's `token`. tenant: for operators."""
        request = api_key_service_pb2.CreateApiKeyRequest(
            api_key=api_key_service_pb2.ApiKey(
                role=role, display_name=display_name, agent=agent, tenant=tenant
            )
        )
        return self._call(self.api_keys.CreateApiKey, request, timeout, idempotent=False)

    def list_api_keys(
        self, page_size: int = 0, timeout: Optional[Seconds] = None, tenant: str = ""
    ) -> Iterator[api_key_service_pb2.ApiKey]:
        request = api_key_service_pb2.ListApiKeysRequest(page_size=page_size, tenant=tenant)
        return self._pages(self.api_keys.ListApiKeys, request, "api_keys", timeout)

    def delete_api_key(self, name: str, timeout: Optional[Seconds] = None) -> None:
        request = api_key_service_pb2.DeleteApiKeyRequest(name=name)
        self._call(self.api_keys.DeleteApiKey, request, timeout, idempotent=False)

export {
  type ApiBackend,
  type ApiBackendLog,
  type ApiConversation,
  type ApiConversationSummary,
  type ApiError,
  type ApiMessage,
  type ApiModel,
  type ApiSearchHit,
  apiPrefix,
  apiVersion,
  type CreateRun,
  type ForwardedEnvironment,
  type PatchConversation,
  type PullEvent,
  type PullModel,
  type RemovedModel,
  type RunEventStream,
  type RunInfo,
  type ServiceHealth,
} from './api.ts'
export type {
  CreatedRun,
  LmappClient,
  RequestOptions,
  Transport,
  TransportRequest,
  TransportResponse,
} from './client.ts'
export { type ClientOptions, createClient } from './create-client.ts'
export { createFetchTransport, type FetchTransportOptions } from './fetch-transport.ts'

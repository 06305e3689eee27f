export {
  type ApiBackend,
  type ApiBackendLog,
  type ApiEmbedding,
  type ApiError,
  apiPrefix,
  apiVersion,
  type CreateEmbedding,
  type CreateRun,
  type ForwardedEnvironment,
  type RunEventStream,
  type RunInfo,
  type ServiceHealth,
} from './api.ts'
export type {
  ApiConversation,
  ApiConversationSummary,
  ApiMessage,
  ApiSearchHit,
  ForkConversation,
  ImportConversation,
  ImportConversations,
  ImportedConversations,
  ImportMessage,
  PatchConversation,
  PruneConversations,
  PrunedConversations,
  VacuumedHistory,
} from './api-conversations.ts'
export type { ApiKey, ApiKeyScope, CreatedKey, CreateKey } from './api-keys.ts'
export type { ApiModel, ApiModelFit, PullEvent, PullModel, RemovedModel } from './api-models.ts'
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

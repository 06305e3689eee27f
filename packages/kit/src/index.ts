export {
  type Backend,
  type BackendInfo,
  type BackendState,
  type CallOptions,
  type CountRequest,
  type Embedding,
  type Health,
  interfaceVersion,
  type ModelHealth,
  type ModelInfo,
  type PullProgress,
  type TokenCount,
} from './backend.ts'
export { type Capabilities, type CapabilityName, capabilityNames, type Support } from './capability.ts'
export type { ChatOptions, ChatRequest, ToolChoice, ToolDefinition } from './chat-request.ts'
export {
  type Content,
  type FileContent,
  type ImageContent,
  type Message,
  type ReasoningContent,
  type Role,
  type TextContent,
  type ToolCallContent,
  type ToolResultContent,
  toFencedFile,
  toText,
} from './content.ts'
export { type ErrorCode, type ErrorEntry, type ExitCode, errorTable } from './errors/error-table.ts'
export {
  type ErrorData,
  isErrorCode,
  isLmappError,
  LmappError,
  type LmappErrorOptions,
  parseErrorData,
} from './errors/lmapp-error.ts'
export {
  type Manifest,
  type MethodName,
  manifestFileName,
  optionalMethods,
  pluginNamePattern,
  requiredMethods,
} from './manifest.ts'
export type {
  Finish,
  FinishReason,
  Part,
  Phase,
  Progress,
  ReasoningDelta,
  Status,
  TextDelta,
  Timings,
  TokenProbability,
  ToolCall,
  Usage,
  Warning,
  WarningCode,
} from './part.ts'
export {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type IncomingCall,
  unknownMethod,
} from './protocol/connection.ts'
export { readFileValue, removeFileValue, writeFileValue } from './protocol/file-value.ts'
export {
  type CancelParams,
  type ChangeNotification,
  type ChatParams,
  type ChatResult,
  type CountTokensParams,
  type CountTokensResult,
  type CreditParams,
  defaultCredit,
  type EmbedParams,
  type EmbedResult,
  type FileValue,
  type HelloParams,
  type HelloResult,
  inlineLimitBytes,
  isFileValue,
  type ListModelsResult,
  type LogParams,
  type ModelParams,
  maxLineBytes,
  type PartsParams,
  type PullProgressParams,
  type RequestId,
  type RpcError,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from './protocol/messages.ts'
export { createOutput, type Output } from './protocol/output.ts'
export { isTooDeep } from './protocol/parse-message.ts'
export { parseVectorBytes, toVectorBytes } from './protocol/vectors.ts'
export { chooseVersion, isCompatibleVersion } from './protocol/version.ts'
export type { AnswerState, Handover, NumberedRunEvent, RunEnd, RunEvent, RunSnapshot, RunStart } from './run-event.ts'
export { type AnswerEnd, type BackendParts, createBackend } from './serve/create-backend.ts'
export type { Plugin, PluginContext } from './serve/plugin.ts'
export { serve } from './serve/serve.ts'
export { type Batched, batches, fromBatches, toBatches } from './streams/batches.ts'
export { type Channel, type ChannelOptions, createChannel } from './streams/channel.ts'
export { holdBackPartialCharacter } from './streams/hold-back-partial-character.ts'
export { createLineSplitter, type LineSplitter } from './streams/line-splitter.ts'
export { readLines } from './streams/read-lines.ts'
export { readServerSentEvents } from './streams/read-server-sent-events.ts'
export {
  createServerSentEventParser,
  type ServerSentEvent,
  type ServerSentEventParser,
} from './streams/server-sent-event-parser.ts'
export { untilAborted } from './streams/until-aborted.ts'

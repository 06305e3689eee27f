export {
  type Backend,
  type BackendInfo,
  type BackendState,
  type CallOptions,
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
export { type Manifest, type MethodName, manifestFileName, optionalMethods, requiredMethods } from './manifest.ts'
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
export type { AnswerState, Handover, NumberedRunEvent, RunEnd, RunEvent, RunSnapshot, RunStart } from './run-event.ts'

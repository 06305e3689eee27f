/** The native API, version 1: models. */
import type { ErrorData, ModelInfo, Progress } from 'lmapp-kit'

/** Whether a model file and its context fit the memory of this machine now. All in bytes. */
export interface ApiModelFit {
  /** `tight`: only with a shorter context than it was trained for. */
  state: 'fits' | 'tight' | 'too-large'
  /** Of the file and the context together. */
  neededBytes: number
  freeBytes: number
  /** The context that `neededBytes` counts with, in tokens; 0: only the file is counted. */
  contextLength: number
  /** The longest context that would fit; absent when not even a short one does. */
  longestContext?: number
}

/** `GET /models?backend=`: loaded ones first, then by their last use. */
export interface ApiModel extends ModelInfo {
  /** `backend/id`. */
  ref: string
  backend: string
  name: string
  /** Where the file comes from: `lmapp`, `ollama`, `lm-studio`, `hugging-face`, `llama.cpp`, or a folder. Absent: the engine's own. */
  origin?: string
  /** ISO 8601, of the last answer that it wrote here. */
  lastUsedAt?: string
  /** Only of files that lmapp itself would run. */
  fit?: ApiModelFit
}

/** `POST /models/pull`: server-sent events, `data:` one of these; a stream without `done` failed. */
export interface PullModel {
  model: string
  offline?: boolean
}

export type PullEvent =
  | { type: 'progress'; status: string; progress?: Progress }
  | { type: 'done'; ref: string }
  | { type: 'error'; error: ErrorData }

/** `DELETE /models?ref=`. */
export interface RemovedModel {
  ref: string
  freedBytes?: number
}

import type { ErrorData } from 'lmapp-kit'
import type { Store } from './store.ts'

/** What travels between a store and its worker. */

export type StoreMethods = Omit<Store, 'setAside' | typeof Symbol.asyncDispose>
export type StoreMethod = keyof StoreMethods

/** The same methods, done at once: `at` is the time of the request, ISO 8601. */
export type StoreHandlers = {
  [M in StoreMethod]: (at: string, ...args: Parameters<StoreMethods[M]>) => Awaited<ReturnType<StoreMethods[M]>>
}

export interface WorkerOptions {
  path: string
  now: Date
  maxPages?: number
}

export interface StoreRequest<M extends StoreMethod = StoreMethod> {
  id: number
  at: string
  method: M
  args: Parameters<StoreMethods[M]>
}

export type ToWorker = StoreRequest | 'close'

/** An error of the table, or the stack of a bug. */
export type Failure = { error: ErrorData } | { bug: string }

export type FromWorker =
  /** First of all. Nothing else follows a failure. */
  | { type: 'opened'; setAside?: string }
  | { type: 'not-opened'; failure: Failure }
  | { type: 'done'; id: number; value: unknown }
  | { type: 'failed'; id: number; failure: Failure }

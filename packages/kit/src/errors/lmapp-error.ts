import { type ErrorCode, type ErrorEntry, errorTable } from './error-table.ts'

/** An error as it crosses a wire. An unknown `code` comes from a newer side and counts as `engine-failed`. */
export interface ErrorData {
  code: ErrorCode
  message: string
  hint?: string
  details?: Record<string, unknown>
}

export interface LmappErrorOptions {
  /** The next command, or what else the user does. Default: the table's recovery. */
  hint?: string
  /** For programs; must survive JSON. */
  details?: Record<string, unknown>
  cause?: unknown
}

/** A failure that a user can reach. Match it by `code`, never by its text. Bugs stay plain errors. */
export class LmappError extends Error {
  override readonly name = 'LmappError'
  readonly code: ErrorCode
  readonly hint: string
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: LmappErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.hint = options.hint ?? errorTable[code].recovery
    this.details = options.details
  }

  get entry(): ErrorEntry {
    return errorTable[this.code]
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      ...(this.details && { details: this.details }),
    }
  }
}

/** Also true for an error of another copy of this package: a bundle and a plugin author's tests may hold one each. */
export function isLmappError(value: unknown, code?: ErrorCode): value is LmappError {
  if (!(value instanceof Error) || value.name !== 'LmappError') return false
  return code === undefined || (value as LmappError).code === code
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value)
}

/** Reads an error that came over a wire. Never throws: what it cannot read becomes `engine-failed`. */
export function parseErrorData(value: unknown): LmappError {
  const data = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const code = isErrorCode(data.code) ? data.code : 'engine-failed'
  const message = typeof data.message === 'string' ? data.message : 'The other side failed and did not say why.'
  return new LmappError(code, message, {
    ...(typeof data.hint === 'string' && { hint: data.hint }),
    ...(typeof data.details === 'object' &&
      data.details !== null && { details: data.details as Record<string, unknown> }),
  })
}

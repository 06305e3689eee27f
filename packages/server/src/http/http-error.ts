import { type ErrorCode, LmappError, type LmappErrorOptions } from 'lmapp-kit'

/** One for which HTTP has a status of its own. */
export class HttpError extends LmappError {
  readonly status: number
  constructor(status: number, code: ErrorCode, message: string, options: LmappErrorOptions) {
    super(code, message, options)
    this.status = status
  }
}

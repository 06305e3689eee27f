/** The native API, version 1: keys, by which programs are let in. Only for the owner, and for keys with the scope `admin`. */

/**
 * `chat`: ask models; its own responses, runs and conversations; the list and the details of models. `models`: the list
 * and the details of models; fetch and delete them. `admin`: all that the owner may do over HTTP, keys included.
 */
export type ApiKeyScope = 'chat' | 'models' | 'admin'

/** `GET /keys`, in the order in which they were created; also the answer to `DELETE /keys/:name`. */
export interface ApiKey {
  id: string
  name: string
  /** The first characters of its secret, by which people recognise it. */
  beginning: string
  scopes: ApiKeyScope[]
  /** ISO 8601, UTC. */
  createdAt: string
  /** To the minute where a service has ended since. */
  lastUsedAt: string | null
  /** Null: it is in use. The name of a revoked one is free again. */
  revokedAt: string | null
}

/** `POST /keys`. */
export interface CreateKey {
  /** Up to 64 of a-z, 0-9 and -, the first no dash; no other key in use has it. */
  name: string
  /** At least one; default: `chat`. */
  scopes?: ApiKeyScope[]
}

export interface CreatedKey extends ApiKey {
  /** Told only here. */
  secret: string
}

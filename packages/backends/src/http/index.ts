export { type ApiKeySource, apiKeyOf } from './api-key.ts'
export { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts'
export type { HttpRequest, HttpResponse } from './http-exchange.ts'
export { parseRetryAfter } from './retry-after.ts'

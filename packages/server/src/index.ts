export type { BackendsOfApp, Caller, ModelsOfApp, ServerApp } from './app.ts'
export { assertTcpFree } from './listen.ts'
export { createServer, type LmappServer, type ServerOptions } from './server.ts'

export { isLoopbackAddress } from './access/guard.ts'
export type { BackendsOfApp, Caller, ModelsOfApp, ServerApp, ServeSettings } from './app.ts'
export { assertTcpFree } from './listen.ts'
export { createServer, type LmappServer, type ServerOptions } from './server.ts'

export { currentPlatform, type DiscoveredPlugin, type Discovery, discoverPlugins } from './discover-plugins.ts'
export { parseManifest } from './parse-manifest.ts'
export { createSubprocessBackend, type SubprocessBackendOptions } from './subprocess/subprocess-backend.ts'
export { defaultTimeouts, type SubprocessTimeouts } from './subprocess/timeouts.ts'

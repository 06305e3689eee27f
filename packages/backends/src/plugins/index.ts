export { type AvailablePlugin, type AvailablePlugins, findAvailablePlugins } from './available-plugins.ts'
export {
  currentPlatform,
  type DiscoveredPlugin,
  type Discovery,
  discoverPlugins,
  type PluginFolder,
  stampOfFolders,
} from './discover-plugins.ts'
export {
  describeSource,
  type InstallationRecord,
  type InstallationSource,
  installationFileName,
  parseInstallation,
} from './installation.ts'
export { parseManifest } from './parse-manifest.ts'
export { createSubprocessBackend, type SubprocessBackendOptions } from './subprocess/subprocess-backend.ts'
export { defaultTimeouts, type SubprocessTimeouts } from './subprocess/timeouts.ts'

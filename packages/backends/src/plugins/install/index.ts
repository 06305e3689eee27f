export {
  describeSource,
  type InstallationSource,
} from '../installation.ts'
export { parsePluginSource, type WantedPlugin } from './plugin-source.ts'
export { type InstallContext, type PreparedPlugin, preparePlugin } from './prepare-plugin.ts'
export { findKnown, type PluginRegistry, parseRegistry } from './registry.ts'
export { removeFromPlace } from './staging.ts'

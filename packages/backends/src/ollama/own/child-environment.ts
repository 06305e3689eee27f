import { toChildEnvironment } from '../../processes/index.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What an Ollama of our own may know of the user's settings: where its models are and how it runs them. Not where it
 * listens, who may call it, or what it does on the way to its cloud.
 */
const settings = [
  ...['OLLAMA_MODELS', 'OLLAMA_CONTEXT_LENGTH', 'OLLAMA_KEEP_ALIVE', 'OLLAMA_LOAD_TIMEOUT', 'OLLAMA_MAX_LOADED_MODELS'],
  ...['OLLAMA_MAX_QUEUE', 'OLLAMA_NUM_PARALLEL', 'OLLAMA_FLASH_ATTENTION', 'OLLAMA_KV_CACHE_TYPE', 'OLLAMA_NOPRUNE'],
  ...['OLLAMA_MULTIUSER_CACHE', 'OLLAMA_NEW_ENGINE', 'OLLAMA_LLM_LIBRARY', 'OLLAMA_GPU_OVERHEAD', 'OLLAMA_VULKAN'],
  ...['OLLAMA_SCHED_SPREAD', 'OLLAMA_NO_CLOUD', 'OLLAMA_DEBUG', 'GPU_DEVICE_ORDINAL', 'GGML_VK_VISIBLE_DEVICES'],
  'HSA_OVERRIDE_GFX_VERSION',
]

/** `asked`: what the front sent, which counts more than what the service was started with. The port is the engine's choice. */
export function toOllamaEnvironment(
  inherited: Environment,
  { asked, homeDir }: { asked: Environment; homeDir: string },
): Record<string, string> {
  const known = { ...inherited, ...asked }
  const chosen = settings.flatMap((name) => {
    const value = known[name]
    return value === undefined || value === '' ? [] : [[name, value]]
  })
  return {
    HOME: homeDir,
    ...toChildEnvironment(inherited),
    ...Object.fromEntries(chosen),
    OLLAMA_HOST: '127.0.0.1:0',
  }
}

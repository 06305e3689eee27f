import { chmod, writeFile } from 'node:fs/promises'

export interface StandIn {
  path: string
  /** What it is started as: 0.9 wants `--nobrowser`, 0.10 dies of it. */
  era: '0.9' | '0.10'
  /** The llama-server that it runs: program and first arguments. */
  server: readonly string[]
  /** A model that it has in itself. */
  model?: string
  /** What `--version` says. */
  version?: string
  mode?: number
}

/** Options of the server up to 0.9, as far as its manual has them and anybody would send them. */
const oldOptions = '--server|--nobrowser|--unsecure|-cb|--cont-batching|--embedding'
const oldSettings = '-m|-a|--alias|--host|--port|-c|-np|-t|-ngl|--gpu|-b|-ub'

/** Writes an executable that begins as a portable program does, without a shebang, and has the command line of its era. */
export async function writeStandIn({ path, era, server, model, version, mode = 0o755 }: StandIn): Promise<void> {
  const ownModel = model === undefined ? '' : `set -- -m ${quote(model)} "$@"`
  const says = version ?? (era === '0.9' ? 'llamafile v0.9.3' : 'llamafile v0.10.0')
  const script = `MZqFpD='
'
case "$1" in --version) echo ${quote(says)}; exit 0;; esac
${era === '0.9' ? checkOld : checkNew}
${ownModel}
exec ${server.map(quote).join(' ')} "$@"
`
  await writeFile(path, script)
  await chmod(path, mode)
}

/** Dies of what it does not know, and of what it would do to a screen. */
const checkOld = `
server= nobrowser= value=
for each in "$@"; do
  shift
  if [ -n "$value" ]; then value=; set -- "$@" "$each"; continue; fi
  case "$each" in
    --server) server=1;;
    --nobrowser) nobrowser=1;;
    ${oldOptions}) set -- "$@" "$each";;
    ${oldSettings}) value=1; set -- "$@" "$each";;
    *) echo "error: unknown argument: $each" >&2; exit 1;;
  esac
done
if [ -z "$server" ]; then echo 'This would be a chat.' >&2; exit 97; fi
if [ -z "$nobrowser" ]; then echo 'opening browser tab... (pass --nobrowser to disable)' >&2; exit 98; fi`

const checkNew = `
server=
for each in "$@"; do
  shift
  case "$each" in
    --server) server=1;;
    *) set -- "$@" "$each";;
  esac
done
if [ -z "$server" ]; then
  case "$*" in --help) exec cat <<'END'
usage: llamafile [--server]
--server
END
  esac
  echo 'This would be a chat.' >&2; exit 97
fi`

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

import { spawn } from 'node:child_process'

/**
 * Ends what is still running when this process is gone, also by SIGKILL: a shell that holds one end of a pipe. It is told
 * the numbers of process groups, and nothing of what runs in them.
 */
export interface GroupGuard extends Disposable {
  watch(group: number): void
  forget(group: number): void
}

const script = `
trap '' HUP INT TERM
groups=
while read -r sign group; do
  rest=
  for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done
  groups=$rest
  [ "$sign" = - ] || groups="$groups $group"
done
for one in $groups; do kill -s KILL -- "-$one"; done`

/** Nothing is started before there is something to watch. */
export function createGroupGuard(): GroupGuard {
  let guard: ReturnType<typeof startGuard> | undefined
  return {
    watch(group) {
      guard ??= startGuard()
      guard.stdin.write(`+ ${group}\n`)
    },
    forget(group) {
      guard?.stdin.write(`- ${group}\n`)
    },
    [Symbol.dispose]() {
      guard?.stdin.end()
      guard = undefined
    },
  }
}

/** In a group of its own, since ours is killed as a whole; without our environment, by which we are looked for. */
function startGuard() {
  const guard = spawn('/bin/sh', ['-c', script], { detached: true, env: {}, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.on('error', () => {})
  guard.stdin.on('error', () => {})
  guard.unref()
  const { stdin } = guard
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return guard
}

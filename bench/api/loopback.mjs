// Preloaded into a gateway that would listen on every address: it listens on loopback alone.
import net from 'node:net'

const { listen } = net.Server.prototype
net.Server.prototype.listen = function (port, ...rest) {
  const ready = rest.findLast((value) => typeof value === 'function')
  return listen.call(this, { port: Number(port.port ?? port), host: '127.0.0.1' }, ready)
}

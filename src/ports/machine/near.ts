import { BlockList, isIP } from 'node:net';

/** Loopback, private, link-local and whatever else is the address of nobody on the internet (RFC 6890). */
const NEAR: Record<'ipv4' | 'ipv6', string> = {
  ipv4:
    '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 ' +
    '172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/3',
  // Those that stand for an address of IPv4 are among them, whichever it is.
  ipv6: '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2002::/16 fc00::/7 fe80::/10 ff00::/8',
};

const near = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const net of NEAR[family].split(' ')) {
    const [address, bits] = net.split('/') as [string, string];
    near.addSubnet(address, Number(bits), family);
  }
}

/** Also where it is written as one of IPv6 that is mapped. */
export const isNear = (address: string): boolean => near.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

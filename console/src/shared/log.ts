import { createClient } from 'graphql-ws';
import { useEffect, useRef, useState } from 'react';
import { session } from './session';

export type LogEvent = {
  sequence: number;
  status: string;
  at: string;
  error: { code: number; title: string } | null;
  message: { id: string; to: string | null };
};

const query = `subscription CampaignLog($campaignId: ID!, $after: Cursor) {
  deliveryEvents(filter: { campaignId: $campaignId }, after: $after) {
    cursor
    events { sequence status at error { code title } message { id to } }
  }
}`;

const shown = 200; // of the newest events; older ones are dropped, whatever comes
const every = 250; // milliseconds between two drawings

type Batch = { data?: { deliveryEvents: { cursor: string; events: LogEvent[] } } | null };

// keep adds events to those that are shown, the newest first.
export const keep = (before: LogEvent[], fresh: LogEvent[]): LogEvent[] =>
  fresh.length >= shown ? fresh.slice(-shown).reverse() : [...fresh.toReversed(), ...before].slice(0, shown);

// cursorOf is where the log goes on after a fault that tells it.
const cursorOf = (fault: unknown): string | undefined => {
  const first = Array.isArray(fault) ? fault[0] : undefined;
  return typeof first?.extensions?.cursor === 'string' ? first.extensions.cursor : undefined;
};

// useLog follows the events of a campaign. After a cut it goes on from its cursor: nothing is
// missed or shown twice. It stands apart from the cache, which would keep every message for ever.
export const useLog = (campaignId: string) => {
  const [events, setEvents] = useState<LogEvent[]>([]);
  const [away, setAway] = useState(0); // events while the page was not looked at
  const count = useRef(0);

  useEffect(() => {
    const token = session.get();
    const socket = createClient({
      url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
      connectionParams: token ? { Authorization: `Bearer ${token}` } : {},
      retryAttempts: 0, // the library would subscribe again after the old cursor
      keepAlive: 10_000,
    });
    let over = false;
    let cursor: string | undefined;
    let fresh: LogEvent[] = [];
    let drawing: ReturnType<typeof setTimeout> | undefined;
    let hidden = 0;

    const draw = () => {
      drawing = undefined;
      const batch = fresh;
      fresh = [];
      setEvents(before => keep(before, batch));
    };

    const follow = async () => {
      for (let tries = 0; !over; tries++) {
        try {
          for await (const { data } of socket.iterate({
            query,
            variables: { campaignId, after: cursor },
          }) as AsyncIterable<Batch>) {
            if (!data) continue;
            tries = 0;
            cursor = data.deliveryEvents.cursor;
            count.current += data.deliveryEvents.events.length;
            fresh = [...fresh, ...data.deliveryEvents.events].slice(-shown);
            if (fresh.length) drawing ??= setTimeout(draw, every);
          }
        } catch (fault) {
          if ((fault as CloseEvent)?.code === 4403) return;
          cursor = cursorOf(fault) ?? cursor;
        }
        await new Promise(done => setTimeout(done, Math.min(250 * 2 ** tries, 5000)));
      }
    };

    const looked = () => {
      if (document.visibilityState === 'hidden') {
        hidden = count.current;
        setAway(0);
      } else {
        setAway(count.current - hidden);
      }
    };
    document.addEventListener('visibilitychange', looked);
    void follow();
    return () => {
      over = true;
      clearTimeout(drawing);
      document.removeEventListener('visibilitychange', looked);
      void socket.dispose();
    };
  }, [campaignId]);

  return { events, away };
};

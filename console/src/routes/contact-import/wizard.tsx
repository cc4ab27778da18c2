import { Trans, useLingui } from '@lingui/react/macro';
import { Progress as Bar, Button, FileButton, Group, Stack, Text } from '@mantine/core';
import { useRef, useState } from 'react';
import type { NumberForm, PreviewImportMutation } from '../../graphql/graphql';
import { refusals } from '../../shared/errors';
import { number } from '../../shared/format';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useStore } from '../../shared/store';
import { Panel, Refused, State } from '../../shared/ui';
import { upload } from '../../shared/upload';
import { type Column, mappingOf } from './columns';
import { PreviewDocument } from './documents';
import styles from './import.module.css';
import { Mapping } from './mapping';
import { Settings } from './settings';

type Preview = NonNullable<PreviewImportMutation['previewContactImport']['preview']>;

export type How = { defaultCountry: string; numbers: NumberForm | '' };

// Wizard goes from a file to an import: how it was read, what each column becomes, what the first
// rows come to, and what people agreed to.
export const Wizard = ({ onBegun }: { onBegun: (id: string) => void }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const [file, setFile] = useState<File>();
  const [preview, setPreview] = useState<Preview>();
  const [columns, setColumns] = useState<Column[]>();
  const [how, setHow] = useState<How>({ defaultCountry: '', numbers: '' });
  const [share, setShare] = useState<number>();
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const stop = useRef<AbortController>(undefined);

  const look = async (next: File, as: How, mapped?: Column[]) => {
    stop.current?.abort();
    const mine = new AbortController();
    stop.current = mine;
    setShare(0);
    setWrong({});
    const { data, ...not } = await upload(
      PreviewDocument,
      {
        file: next,
        ...(as.defaultCountry ? { defaultCountry: as.defaultCountry } : {}),
        ...(as.numbers ? { numbersWithoutPlus: as.numbers } : {}),
        ...(mapped ? { columns: mappingOf(mapped) } : {}),
      },
      { progress: setShare, signal: mine.signal },
    );
    if (mine.signal.aborted) return;
    setShare(undefined);
    const answer = data?.previewContactImport;
    if (answer?.preview) {
      setPreview(answer.preview);
      setColumns(mapped ?? [...answer.preview.columns]);
      return;
    }
    setWrong(
      answer
        ? refusals(answer.userErrors, ['columns', 'defaultCountry', 'numbersWithoutPlus', 'file'])
        : { '': not.refused ?? t`The service does not answer. Nothing is lost: try again in a moment.` },
    );
  };
  const choose = (next: File | null) => {
    if (!next) return;
    setFile(next);
    setPreview(undefined);
    setColumns(undefined);
    void look(next, how);
  };
  const remap = (next: Column[]) => {
    setColumns(next);
    if (file) void look(file, how, next);
  };
  const reread = (next: How) => {
    setHow(next);
    const ready = next.defaultCountry === '' || /^[A-Z]{2}$/.test(next.defaultCountry);
    if (file && ready) void look(file, next, columns);
  };
  const good = preview?.rows.filter(row => row.accepted).length ?? 0;

  return (
    <>
      <Panel title={t`File`}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            <Trans>A CSV or Excel file with a line of names above, of at most 100 MB. Nothing is stored yet.</Trans>
          </Text>
          <Group gap="xs">
            <FileButton onChange={choose} accept=".csv,.tsv,.txt,.xlsx">
              {props => (
                <Button {...props} variant={file ? 'default' : 'filled'} leftSection={<Icon name="upload" size={16} />}>
                  {file ? t`Choose another file` : t`Choose a file`}
                </Button>
              )}
            </FileButton>
            {file && (
              <Text size="sm">
                <bdi>{file.name}</bdi>
              </Text>
            )}
          </Group>
          {share !== undefined && (
            <Group gap="xs" wrap="nowrap">
              <Bar value={share * 100} flex={1} aria-label={t`Progress of the upload`} />
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => {
                  stop.current?.abort();
                  setShare(undefined);
                }}
              >
                <Trans>Cancel</Trans>
              </Button>
            </Group>
          )}
          <Refused>{[wrong[''], wrong.file].filter(Boolean).join(' ') || undefined}</Refused>
          {preview && (
            <Text size="sm">
              {[
                t`Encoding: ${preview.encoding}`,
                preview.delimiter && t`Between columns: ${nameOf(preview.delimiter)}`,
                preview.rowsTotal != null && t`${number(preview.rowsTotal, spoken)} rows`,
              ]
                .filter(Boolean)
                .join(' · ')}
            </Text>
          )}
        </Stack>
      </Panel>
      {preview && columns && file && (
        <>
          <Mapping columns={columns} how={how} wrong={wrong} onColumns={remap} onHow={reread} />
          <Panel title={t`First rows`}>
            <Text size="sm" mb="sm" role="status">
              {t`${good} of the first ${preview.rows.length} rows would be taken.`}
            </Text>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
            <div className={styles.scroll} tabIndex={0}>
              <table className={styles.table} aria-label={t`First rows`}>
                <thead>
                  <tr>
                    <th scope="col">{t`Line`}</th>
                    <th scope="col">{t`Number`}</th>
                    <th scope="col">{t`Name`}</th>
                    <th scope="col">{t`Verdict`}</th>
                  </tr>
                </thead>
                <tbody>
                  {preview.rows.map(row => (
                    <tr key={row.line}>
                      <td>{row.line}</td>
                      <td>{row.phone}</td>
                      <td>
                        <bdi>{row.name}</bdi>
                      </td>
                      <td>
                        {row.accepted ? (
                          <State tone="good">{t`Is taken`}</State>
                        ) : (
                          <Text size="sm" className={styles.bad}>
                            {row.reason}
                          </Text>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </Panel>
          <Settings file={file} columns={columns} how={how} onBegun={onBegun} />
        </>
      )}
    </>
  );
};

const nameOf = (delimiter: string) => ({ '\t': '⇥', ' ': '␣' })[delimiter] ?? delimiter;

import { Trans, useLingui } from '@lingui/react/macro';
import { Button, FileButton, Group, Progress, Stack, Text } from '@mantine/core';
import { useRef, useState } from 'react';
import type { HeaderFormat } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { graphql } from '../../shared/graphql';
import { Icon } from '../../shared/icons';
import { useTemplateWords } from '../../shared/template-words';
import { upload } from '../../shared/upload';
import { type Header, headerOf } from './draft';
import { Failed, type Problems, refused, Words } from './parts';

const UploadDocument = graphql(`
  mutation UploadExample($input: UploadMediaInput!) {
    uploadMedia(input: $input) {
      handle
      userErrors { field code message }
    }
  }
`);

const takes: Partial<Record<HeaderFormat, string>> = {
  IMAGE: 'image/jpeg,image/png',
  VIDEO: 'video/mp4',
  GIF: 'video/mp4',
  DOCUMENT: 'application/pdf',
};

type Props = {
  place: string;
  value: Header;
  formats: HeaderFormat[];
  accountId: string;
  problems: Problems;
  onChange: (value: Header) => void;
  onFile: (place: string, file: File) => void;
};

// HeaderFields is what stands above the text; of a file, its example for the review is uploaded.
export const HeaderFields = ({ place, value, formats, accountId, problems, onChange, onFile }: Props) => {
  const { t } = useLingui();
  const words = useTemplateWords();
  const [share, setShare] = useState<number>();
  const [wrong, setWrong] = useState<string>();
  const stop = useRef<AbortController>(undefined);
  const accept = takes[value.format];

  const send = async (file: File | null) => {
    if (!file) return;
    stop.current = new AbortController();
    setShare(0);
    setWrong(undefined);
    const { data, ...not } = await upload(
      UploadDocument,
      { accountId, purpose: 'HEADER_EXAMPLE', file },
      { progress: setShare, signal: stop.current.signal },
    );
    setShare(undefined);
    const errors = data?.uploadMedia.userErrors.map(error => error.message).join(' ');
    if (data?.uploadMedia.handle) {
      onFile(place, file);
      onChange({ ...value, mediaHandle: data.uploadMedia.handle, fileName: file.name });
    } else if (!not.canceled) {
      setWrong(errors || not.refused || t`The service does not answer. Nothing is lost: try again in a moment.`);
    }
  };

  return (
    <Stack gap="sm">
      <Choice
        label={t`Kind of header`}
        data={formats.map(format => ({ value: format, label: words.format(format) }))}
        value={value.format}
        error={refused(problems, `${place}.format`)}
        onChange={format => format && onChange({ ...headerOf(format as HeaderFormat), text: value.text })}
      />
      {value.format === 'TEXT' && (
        <Words
          label={t`Line of text`}
          place={place}
          value={value}
          most={60}
          problems={problems}
          onChange={next => onChange({ ...value, ...next })}
        />
      )}
      {accept && (
        <Stack gap={6}>
          <Group gap="xs">
            <FileButton onChange={send} accept={accept}>
              {props => (
                <Button {...props} size="xs" variant="default" leftSection={<Icon name="upload" size={16} />}>
                  {value.mediaHandle ? t`Another example` : t`Upload an example`}
                </Button>
              )}
            </FileButton>
            {value.fileName && (
              <Text size="sm">
                <bdi>{value.fileName}</bdi>
              </Text>
            )}
          </Group>
          {share !== undefined && (
            <Group gap="xs" wrap="nowrap">
              <Progress value={share * 100} flex={1} aria-label={t`Progress of the upload`} />
              <Button size="compact-xs" variant="default" onClick={() => stop.current?.abort()}>
                <Trans>Cancel</Trans>
              </Button>
            </Group>
          )}
          <Failed>{wrong ?? refused(problems, `${place}.example`)}</Failed>
          <Text size="xs" c="dimmed">
            <Trans>WhatsApp's reviewers see it. What people get is given with each message or campaign.</Trans>
          </Text>
        </Stack>
      )}
    </Stack>
  );
};
